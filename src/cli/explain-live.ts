import type { ClusterExplanation } from '../controller/admin/requests.ts';
import { knowsHost } from '../model/explain/explanation.ts';
import { triedSteps } from '../model/tried-step.ts';
import { type Step, tryRequest } from '../try-request/try-request.ts';
import { Api, type apiOptions } from './api.ts';
import type { Values } from './command.ts';
import { describeExplanation, isAnswered } from './describe-explanation.ts';
import { type detailOptions, detailParameters, detailsOf } from './explain-details.ts';
import { type ExitCode, exitCodes, type Io, paint, UsageError, writeJson } from './io.ts';

type LiveOptions = Values<typeof apiOptions & typeof detailOptions> & {
  readonly try?: boolean;
  readonly json?: boolean;
  readonly cluster?: string;
  readonly address?: string;
};

/** Explains the routes of a running Signalbox, and sends a request if asked to. */
export async function explainLive(values: LiveOptions, positionals: readonly string[], io: Io): Promise<ExitCode> {
  const [text, ...others] = positionals;
  if (text === undefined || others.length > 0)
    throw new UsageError('With --live or --try: exactly one URL, and no compose file.');
  const url = parseUrl(text, values.try ? REQUESTS : [...REQUESTS, ...CONNECTIONS]);
  const query = new URLSearchParams([['url', url.href], ...checkedDetails(url, values)]);
  const api = await Api.connect(values, io);
  const all = (await api.call('GET', `/api/explain?${query}`)) as ClusterExplanation[];
  const chosen = withRoute(all).filter(({ cluster }) => cluster === (values.cluster ?? cluster));
  const steps = values.try ? await tryRequest(url, { address: values.address }) : undefined;
  if (values.json) writeJson(io, steps === undefined ? chosen : { explanations: chosen, steps });
  else {
    for (const explanation of chosen) io.out(describeExplanation(explanation, explanation.cluster, io));
    if (steps) io.out(describeSteps(steps, io));
  }
  const isExplained = chosen.some(({ answer, tasks }) => isAnswered(answer) && tasks !== 'none');
  const isTried = steps === undefined || steps.every(({ ok, step }) => ok || step === 'tls');
  return isExplained && isTried ? exitCodes.done : exitCodes.found;
}

/** The application may act on a request with another method, or with a client's credentials: none is sent. */
function checkedDetails(url: URL, values: LiveOptions): [name: string, value: string][] {
  const details = detailParameters(values);
  if (values.try && details.length > 0)
    throw new UsageError('--try sends GET without headers: with --method, --header and --cookie, use --live.');
  detailsOf(url.href, values);
  return details;
}

/** Service clusters with the host or the port. All clusters if none has it. */
function withRoute(all: readonly ClusterExplanation[]): readonly ClusterExplanation[] {
  const known = all.filter(({ answer }) => knowsHost(answer));
  return known.length > 0 ? known : all;
}

const REQUESTS = ['http:', 'https:'];
const CONNECTIONS = ['tcp:', 'udp:'];

function parseUrl(text: string, protocols: readonly string[]): URL {
  const url = URL.parse(/^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`);
  if (url === null || !protocols.includes(url.protocol))
    throw new UsageError(`${text} is not a URL such as http://app.example.org/path.`);
  return url;
}

function describeSteps(steps: readonly Step[], io: Io): string {
  const lines = steps.map(({ step, ok, text, ms }) => {
    const took = ms === undefined ? '' : `${ms} ms`;
    return `  ${triedSteps[step].padEnd(10)}  ${took.padStart(9)}  ${paint(io, ok ? 'green' : 'red', text)}`;
  });
  return `${[paint(io, 'bold', 'Request from this machine'), ...lines].join('\n')}\n`;
}
