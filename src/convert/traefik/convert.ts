import { pathKind } from '../../model/path-pattern.ts';
import type { ConvertedService, ForeignLabel, ForeignService, Group, Remark } from '../foreign-label.ts';
import { numberGroups } from '../number-groups.ts';
import { BY_HAND, needsIssuer } from '../remarks.ts';
import { convertMiddlewares } from './middlewares.ts';
import { type Fields, listOf, readTraefikLabels, type TraefikService } from './read-labels.ts';
import { readServiceOptions } from './service-options.ts';
import { type Router, type Site, toSites } from './sites.ts';
import { convertTcp } from './tcp.ts';

/** Converts the labels of all services: a router may use a middleware of another service. */
export function convertTraefik(services: readonly ForeignService[]): ConvertedService[] {
  const read = services.map(readTraefikLabels);
  const middlewares = new Map(read.flatMap((each) => [...each.middlewares]));
  return read.map((service) => {
    if (!service.isEnabled) return { name: service.name, labels: new Map(), remarks: [] };
    return convertService(service, middlewares);
  });
}

function convertService(service: TraefikService, middlewares: ReadonlyMap<string, Fields>): ConvertedService {
  const { sites, remarks } = toSites(service.routers);
  const converted = [...sites.map((site) => convertSite(site, service, middlewares)), ...convertTcp(service)];
  return {
    name: service.name,
    labels: numberGroups(converted, commonLabels(service)),
    remarks: [...remarks, ...converted.flatMap((group) => group.remarks), ...service.unknown.map(unknownLabel)],
  };
}

function commonLabels({ network, usesVirtualAddress }: TraefikService): [string, string][] {
  return [
    ...(network === undefined ? [] : [['network', network.value] as [string, string]]),
    ...(usesVirtualAddress ? [['backend_mode', 'vip'] as [string, string]] : []),
  ];
}

const NOTHING: Group = { labels: new Map(), remarks: [] };

function convertSite(site: Site, service: TraefikService, middlewares: ReadonlyMap<string, Fields>): Group {
  const { plain, secure } = site;
  const main = secure ?? plain!;
  if (main.fields.get('service')?.value.endsWith('@internal'))
    return {
      ...NOTHING,
      remarks: [
        remarkOn(main, 'service', "serves Traefik's own pages", 'Signalbox has its own page: docs/administration.md.'),
      ],
    };
  const converted = convertMiddlewares(usesOf(main), middlewares, site.hosts);
  const options = readServiceOptions(service, main);
  const redirects =
    converted.redirectsToHttps ||
    (plain && convertMiddlewares(usesOf(plain), middlewares, site.hosts).redirectsToHttps);
  const labels = new Map([
    ['hosts', site.hosts.join(', ')],
    ...pathLabel(site),
    ...(site.match.length === 0 ? [] : [['match', site.match.join(', ')] as const]),
    ...options.labels,
    ...(redirects || (secure && !plain) ? [['ssl_only', 'true'] as const] : []),
    ...certificateOf(secure),
    ...(site.allow.length === 0 ? [] : [['allow', site.allow.join(', ')] as const]),
    ...(isStripped(site, converted.stripped) ? [['context_root_rewrite', 'true'] as const] : []),
    ...converted.labels,
    ...(main.fields.get('observability.accesslogs')?.value === 'false' ? [['access_log', 'false'] as const] : []),
  ]);
  const remarks = [
    ...options.remarks,
    ...converted.remarks,
    ...converted.stripped.flatMap(({ prefixes, label }) =>
      prefixes.includes(site.path) && prefixes.length === 1 ? [] : [strippedElsewhere(label, site.path)],
    ),
    ...certificateRemarks(secure),
    ...routerRemarks(main),
  ];
  const isOpen = converted.isUnprotected || main.fields.has('tls.options');
  return { labels: isOpen ? new Map() : labels, remarks };
}

function pathLabel({ path }: Site): [string, string][] {
  return path === '' ? [] : [[pathKind(path) === 'prefix' ? 'context_root' : 'paths', path]];
}

function usesOf({ fields }: Router) {
  const label = fields.get('middlewares');
  return listOf(label?.value).map((name) => ({ name, usedBy: label! }));
}

function isStripped({ path }: Site, stripped: readonly { readonly prefixes: readonly string[] }[]): boolean {
  return path !== '' && stripped.some(({ prefixes }) => prefixes.includes(path));
}

function strippedElsewhere(label: ForeignLabel, path: string): Remark {
  const reason = `strips other prefixes than ${path === '' ? 'the path of its router, which is /' : path}`;
  return {
    severity: 'error',
    label,
    reason,
    remedy: 'context_root_rewrite strips the context root of the route, and nothing else.',
  };
}

/** Traefik's certificate resolvers are ACME accounts. */
function certificateOf(secure: Router | undefined): [string, string][] {
  return secure?.fields.has('tls.certresolver') ? [['acme', 'true']] : [];
}

function certificateRemarks(secure: Router | undefined): Remark[] {
  if (secure === undefined) return [];
  const resolver = secure.fields.get('tls.certresolver');
  if (resolver !== undefined) return [needsIssuer(resolver)];
  const label = secure.fields.get('tls') ?? secure.fields.get('entrypoints') ?? secure.fields.get('rule')!;
  return [
    {
      severity: 'warning',
      label,
      reason: "has no certificate in its labels: Traefik's is in its own files",
      remedy: 'Name a Docker secret with ssl_cert, or in the settings with Certificates or DefaultCertificate.',
    },
  ];
}

function routerRemarks({ fields }: Router): Remark[] {
  const lost: Remark[] = [];
  for (const [path, label] of fields) {
    const found = path.startsWith('tls.domains') ? ROUTER_FIELDS['tls.domains'] : ROUTER_FIELDS[path];
    if (found !== undefined) lost.push({ ...found, label });
  }
  return lost;
}

const ROUTER_FIELDS: Readonly<Record<string, Omit<Remark, 'label'>>> = {
  priority: {
    severity: 'notice',
    reason: 'is not needed: the longest path of the most specific host answers',
    remedy: 'Check the order: signalbox explain.',
  },
  'tls.options': {
    severity: 'error',
    reason: 'has no counterpart and may require client certificates: the route is left out',
    remedy: 'Set SSLProtocols and SSLCiphers in the settings, and ssl_client_ca for client certificates.',
  },
  'tls.domains': {
    severity: 'notice',
    reason: 'is not needed: the certificate is ordered for the hosts of the route',
    remedy: 'For wildcards, set Wildcards and a DNS provider of the issuer: docs/guides/acme.md.',
  },
};

function remarkOn(router: Router, field: string, reason: string, remedy: string): Remark {
  return { severity: 'error', label: router.fields.get(field)!, reason, remedy };
}

function unknownLabel(label: ForeignLabel): Remark {
  if (label.name.toLowerCase() === 'traefik.constraint-label')
    return {
      severity: 'notice',
      label,
      reason: 'is not needed: every service with hosts is routed',
      remedy: 'For proxies of their own, use service_cluster.',
    };
  return { severity: 'error', label, reason: 'has no counterpart', remedy: BY_HAND };
}
