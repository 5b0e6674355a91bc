import type { z } from 'zod';
import type { CertificateView } from '../controller/admin/certificates.ts';
import type { DoctorView } from '../controller/admin/doctor.ts';
import type { problemDetailsSchema } from '../controller/admin/problem-details.ts';
import type {
  ClusterExplanation,
  CreatedToken,
  KeptVersion,
  methodsSchema,
  oidcFlowSchema,
  sessionTokenSchema,
  TokenView,
  tokenRequestSchema,
  UsersView,
  userSchema,
  VersionChangesView,
} from '../controller/admin/requests.ts';
import type { ClosedView } from '../controller/admin/state.ts';
import type { TrafficView } from '../controller/admin/traffic.ts';
import type { TryView } from '../controller/admin/try-route.ts';
import { type AskedRequest, toParameters } from './lib/asked-request.ts';

export type User = z.infer<typeof userSchema>;
export type { ClusterExplanation, CreatedToken, KeptVersion, TokenView as Token, UsersView, VersionChangesView };

/** The controller rejected the request. */
export class Refused extends Error {
  readonly status: number;
  readonly title: string;

  constructor({ status, title, detail }: Pick<z.infer<typeof problemDetailsSchema>, 'status' | 'title' | 'detail'>) {
    super(detail);
    this.status = status;
    this.title = title;
  }
}

const RETRY_MS = [300, 1000];

/** Emits `ended` when the session ends. The page then shows the sign-in form. */
export const session = new EventTarget();

/**
 * Browsers send the cookie to all ports of this host. This token is stored for this origin only, and the API requires both. All windows
 * of the page share it, as they share the cookie.
 */
const TOKEN_KEY = 'signalbox-session';
let tokenOfWindow: string | undefined;

function keepToken(token: string | undefined): void {
  tokenOfWindow = token;
  try {
    if (token === undefined) localStorage.removeItem(TOKEN_KEY);
    else localStorage.setItem(TOKEN_KEY, token);
  } catch {
    // Without storage, a reload requires a new sign-in.
  }
}

function keptToken(): string | undefined {
  try {
    return localStorage.getItem(TOKEN_KEY) ?? tokenOfWindow;
  } catch {
    return tokenOfWindow;
  }
}

export async function logIn(username: string, password: string): Promise<void> {
  const answer = await send('/auth/session', { method: 'POST', body: JSON.stringify({ username, password }) });
  const { session_token }: z.infer<typeof sessionTokenSchema> = await answer.json();
  keepToken(session_token);
}

/** Sign-in methods other than a password. */
export async function signInMethods(): Promise<z.infer<typeof methodsSchema>> {
  return (await send('/auth/methods', {})).json();
}

export async function startOidc(): Promise<z.infer<typeof oidcFlowSchema>> {
  return (await send('/auth/oidc', { method: 'POST' })).json();
}

export async function finishOidc(flow: string, answer: string): Promise<void> {
  const response = await send('/auth/oidc/session', { method: 'POST', body: JSON.stringify({ flow, answer }) });
  const { session_token }: z.infer<typeof sessionTokenSchema> = await response.json();
  keepToken(session_token);
}

export async function logOut(): Promise<void> {
  await send('/auth/session', { method: 'DELETE' });
  keepToken(undefined);
  session.dispatchEvent(new Event('ended'));
}

/** Opens the event stream. `EventSource` cannot, because it sends no custom headers. */
export async function openEvents(signal: AbortSignal): Promise<ReadableStream<Uint8Array>> {
  const { body } = await request('/api/events', { signal, headers: { accept: 'text/event-stream' } });
  return body!;
}

/** Undefined if nobody is signed in. */
export async function whoAmI(): Promise<User | undefined> {
  try {
    return await read<User>('/api/user');
  } catch (error) {
    if (error instanceof Refused && error.status === 401) return undefined;
    throw error;
  }
}

export interface Ports {
  readonly httpPort: number;
  readonly httpsPort: number;
}

export const switchOn = ({ httpPort, httpsPort }: Ports) =>
  change('/api/interlock', 'POST', { HTTPPort: httpPort, HTTPSPort: httpsPort });

export const switchOff = () => change('/api/interlock', 'DELETE');

export const renewCertificate = (name: string) =>
  change(`/api/certificates/${encodeURIComponent(name)}/renewal`, 'POST');

export async function tryUrl(url: string): Promise<TryView> {
  const answer = await request('/api/try', { method: 'POST', body: JSON.stringify({ url }) });
  return answer.json();
}

export const explain = (asked: AskedRequest) => read<ClusterExplanation[]>(`/api/explain?${toParameters(asked)}`);

export const readTraffic = (query: Readonly<Record<string, string>>) =>
  read<TrafficView>(`/api/traffic?${new URLSearchParams(query)}`);

export const diagnose = () => read<DoctorView>('/api/doctor');

export const listCertificates = () => read<CertificateView[]>('/api/certificates');

const versionsPath = (cluster: string) => `/api/clusters/${encodeURIComponent(cluster)}/versions`;

export const listVersions = (cluster: string) => read<KeptVersion[]>(versionsPath(cluster));

export const readVersion = async (cluster: string, version: string): Promise<string> =>
  (await request(`${versionsPath(cluster)}/${encodeURIComponent(version)}`)).text();

/** What a roll-back to the version changes. */
export const readChanges = (cluster: string, version: string) =>
  read<VersionChangesView>(`${versionsPath(cluster)}/${encodeURIComponent(version)}/changes`);

export const hold = (cluster: string, version: string) =>
  change(`${versionsPath(cluster)}/${encodeURIComponent(version)}/hold`, 'PUT');

export const release = (cluster: string) => change(`/api/clusters/${encodeURIComponent(cluster)}/hold`, 'DELETE');

/** A host or service that can be put under maintenance. */
export type Target = Pick<ClosedView, 'kind' | 'name'>;

const maintenancePath = ({ kind, name }: Target) => `/api/maintenance/${kind}s/${encodeURIComponent(name)}`;

interface MaintenanceTerms {
  readonly allow: readonly string[];
  readonly reason?: string;
  readonly until?: string;
}

export const close = (target: Target, terms: MaintenanceTerms) => change(maintenancePath(target), 'PUT', terms);

export const openAgain = (target: Target) => change(maintenancePath(target), 'DELETE');

export const listUsers = () => read<UsersView>('/api/users');

export const listTokens = () => read<TokenView[]>('/api/tokens');

export const createToken = async (wanted: z.input<typeof tokenRequestSchema>): Promise<CreatedToken> =>
  (await request('/api/tokens', { method: 'POST', body: JSON.stringify(wanted) })).json();

export const revokeToken = (id: string) => change(`/api/tokens/${encodeURIComponent(id)}`, 'DELETE');

async function read<T>(path: string): Promise<T> {
  return (await request(path)).json();
}

async function change(path: string, method: string, body?: unknown): Promise<void> {
  await request(path, { method, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
}

async function request(path: string, init: RequestInit = {}): Promise<Response> {
  try {
    return await send(path, init);
  } catch (error) {
    if (error instanceof Refused && error.status === 401) session.dispatchEvent(new Event('ended'));
    throw error;
  }
}

async function send(path: string, init: RequestInit): Promise<Response> {
  const token = keptToken();
  const headers = {
    accept: 'application/json',
    ...(init.body ? { 'content-type': 'application/json' } : {}),
    ...(token === undefined ? {} : { 'x-signalbox-session': token }),
    ...init.headers,
  };
  const answer = await insist(() => fetch(path, { ...init, headers }), init.signal);
  if (answer.ok) return answer;
  const title = `Error ${answer.status}`;
  throw new Refused({
    status: answer.status,
    title,
    detail: answer.statusText,
    ...(await answer.json().catch(() => ({}))),
  });
}

/** Browsers drop requests when the machine's network changes. Every request here is safe to repeat. */
async function insist(attempt: () => Promise<Response>, signal?: AbortSignal | null): Promise<Response> {
  for (const pauseMs of RETRY_MS) {
    try {
      return await attempt();
    } catch (error) {
      if (signal?.aborted) throw error;
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }
  return attempt().catch(() => {
    const detail = 'The controller does not respond. Try again in a moment.';
    throw new Refused({ status: 0, title: 'No response', detail });
  });
}
