import { LABEL_PREFIX } from '../model/labels/label.ts';
import { problemKind } from '../model/problem-kind.ts';
import type { Finding } from './finding.ts';
import type { Stack } from './stack.ts';

export const otherRouter = problemKind({
  id: 'compose-other-router',
  severity: 'notice',
  meaning: `A service has labels of another router and none of Signalbox.`,
  reason: (router: string, _remedy: string) => `is a label of ${router}, which Signalbox does not read`,
  remedy: (_router, remedy) => remedy,
  example: ['Traefik', 'Convert it: signalbox convert.'],
  at: 'traefik.http.routers.shop.rule',
});

/** Traefik reads names without regard to case. */
export function isTraefikLabel(name: string): boolean {
  return name.toLowerCase().startsWith('traefik.');
}

/** The site in a label of caddy-docker-proxy: `caddy`, `caddy_0` and so on. The part after the dot is the site's content. */
export function caddySite(name: string): string | undefined {
  return /^caddy(?:_\d+)?(?=\.|$)/.exec(name)?.[0];
}

interface Router {
  readonly name: string;
  readonly isOwn: (label: string) => boolean;
  readonly remedy: string;
}

const routers: readonly Router[] = [
  {
    name: 'Traefik',
    // Disabled services have this label too.
    isOwn: (label) => isTraefikLabel(label) && label.toLowerCase() !== 'traefik.enable',
    remedy: 'Convert the file: signalbox convert traefik <file>.',
  },
  {
    name: 'caddy-docker-proxy',
    isOwn: (label) => caddySite(label) !== undefined,
    remedy: 'Convert the file: signalbox convert caddy <file>.',
  },
];

/** Reports services that only have labels of another router. They get no route, and no other check reports this. */
export function otherRouters({ services }: Stack): Finding[] {
  return [...services].flatMap(([service, { labels, containerLabels }]) => {
    if ([...labels.keys()].some((name) => name.startsWith(LABEL_PREFIX))) return [];
    const all = [...labels, ...containerLabels];
    return routers.flatMap(({ name, isOwn, remedy }): Finding[] => {
      const [label, { place }] = all.find(([each]) => isOwn(each)) ?? [undefined, { place: undefined }];
      if (label === undefined || place === undefined) return [];
      return [
        {
          ...otherRouter(name, remedy),
          service,
          label,
          place,
        },
      ];
    });
  });
}
