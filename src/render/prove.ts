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
  const attempt = async (routes: readonly Route[], trial?: Trial) => {
    const rendered = tryRender(render, { ...input, routes });
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
  const whole = await attempt(input.routes, trial);
  if (whole.rendered && whole.message === undefined) return { kind: 'rendered', refused: [], ...whole.rendered };
  const bare = await attempt([]);
  if (bare.message !== undefined) return { kind: 'settings-refused', message: bare.message };

  const refused: Refusal[] = [];
  let admitted: readonly Route[] = [];
  const admit = async (services: readonly (readonly Route[])[]): Promise<void> => {
    if (services.length === 0) return;
    const { message } = await attempt([...admitted, ...services.flat()]);
    if (message === undefined) {
      admitted = [...admitted, ...services.flat()];
    } else if (services.length === 1) {
      refused.push({ service: services[0]![0]!.service.name, message });
    } else {
      const middle = Math.ceil(services.length / 2);
      await admit(services.slice(0, middle));
      await admit(services.slice(middle));
    }
  };
  await admit([...Map.groupBy(input.routes, ({ service }) => service.id).values()]);
  const rest = await attempt(admitted);
  if (!rest.rendered || rest.message !== undefined) return { kind: 'settings-refused', message: rest.message ?? '' };
  return { kind: 'rendered', refused, ...rest.rendered };
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
