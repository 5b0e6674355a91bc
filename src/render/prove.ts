import { MOST_FILE_BYTES, MOST_FILES } from '../model/limits.ts';
import type { RenderInput } from '../model/render-input.ts';
import type { Route } from '../model/route.ts';
import type { RenderedConfiguration, RenderNginx } from './nginx.ts';

/** Returns undefined if nginx accepts the files, otherwise its error message. */
export type CheckFiles = (files: RenderedConfiguration['files']) => Promise<string | undefined>;

export interface Refusal {
  readonly service: string;
  readonly message: string;
}

export type Proof =
  | ({ readonly kind: 'rendered'; readonly refused: readonly Refusal[] } & RenderedConfiguration)
  /** nginx rejects the configuration even without any route. */
  | { readonly kind: 'settings-refused'; readonly message: string };

/** Lets a replica test a configuration in place of nginx here. The replica then serves it. */
export interface Trial {
  /** The new routes. nginx tests them here first: a replica receives no route that nginx has not tested. */
  readonly routes: readonly Route[];
  /** Renders without changing the caches of the main rendering. */
  readonly render: RenderNginx;
  /** Resolves to whether the replica's nginx has loaded it: to false if no replica tries it, or not in time. */
  readonly isTaken: (rendered: RenderedConfiguration) => Promise<boolean>;
}

/**
 * Renders a configuration and tests it with nginx, here or in a trial. Validation should reject every value that nginx could reject. If a value still
 * fails, the failing services are found by bisection and omitted, and all others go live.
 */
export async function proveConfiguration(
  input: RenderInput,
  render: RenderNginx,
  check: CheckFiles,
  trial?: Trial,
): Promise<Proof> {
  const attempt = async ({ routes, streams }: Admitted, trial?: Trial) => {
    const rendered = tryRender(render, { ...input, routes, streams });
    if (typeof rendered === 'string') return { message: rendered };
    const large = tooLarge(rendered.files);
    if (large !== undefined) return { rendered, message: large };
    const message = trial && (await passes(trial, rendered)) ? undefined : await check(rendered.files);
    return { rendered, message };
  };
  const passes = async ({ routes, render, isTaken }: Trial, whole: RenderedConfiguration) => {
    const part = tryRender(render, { ...input, routes });
    return typeof part !== 'string' && (await check(part.files)) === undefined && isTaken(whole);
  };
  const whole = await attempt(input, trial);
  if (whole.rendered && whole.message === undefined) return { kind: 'rendered', refused: [], ...whole.rendered };
  const bare = await attempt(NOTHING);
  if (bare.message !== undefined) return { kind: 'settings-refused', message: bare.message };

  const refused: Refusal[] = [];
  let admitted = NOTHING;
  const admit = async (services: readonly Service[]): Promise<void> => {
    if (services.length === 0) return;
    const more = together([admitted, ...services]);
    const { message } = await attempt(more);
    if (message === undefined) {
      admitted = more;
    } else if (services.length === 1) {
      refused.push({ service: services[0]!.name, message });
    } else {
      const middle = Math.ceil(services.length / 2);
      await admit(services.slice(0, middle));
      await admit(services.slice(middle));
    }
  };
  await admit(servicesOf(input));
  const rest = await attempt(admitted);
  if (!rest.rendered || rest.message !== undefined) return { kind: 'settings-refused', message: rest.message ?? '' };
  return { kind: 'rendered', refused, ...rest.rendered };
}

type Admitted = Pick<RenderInput, 'routes' | 'streams'>;
type Service = Admitted & { readonly name: string };

const NOTHING: Admitted = { routes: [], streams: [] };

function servicesOf({ routes, streams }: Admitted): Service[] {
  const streamsById = Map.groupBy(streams, ({ service }) => service.id);
  const routesById = Map.groupBy(routes, ({ service }) => service.id);
  return [...new Set([...routesById.keys(), ...streamsById.keys()])].map((id) => {
    const own = { routes: routesById.get(id) ?? [], streams: streamsById.get(id) ?? [] };
    return { ...own, name: (own.routes[0] ?? own.streams[0])!.service.name };
  });
}

function together(parts: readonly Admitted[]): Admitted {
  return { routes: parts.flatMap(({ routes }) => routes), streams: parts.flatMap(({ streams }) => streams) };
}

function tooLarge(files: RenderedConfiguration['files']): string | undefined {
  if (files.length > MOST_FILES) return `The configuration would have ${files.length} files, more than ${MOST_FILES}`;
  const large = files.find(({ text }) => Buffer.byteLength(text) > MOST_FILE_BYTES);
  if (large === undefined) return undefined;
  const kib = Math.ceil(Buffer.byteLength(large.text) / 1024);
  return `${large.path} would have ${kib} KiB, more than the limit of a Docker config`;
}

/** A value that cannot be quoted is handled like one that nginx rejects. */
function tryRender(render: RenderNginx, input: RenderInput): RenderedConfiguration | string {
  try {
    return render(input);
  } catch (error) {
    return (error as Error).message;
  }
}
