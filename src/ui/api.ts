import type { z } from 'zod';
import type { problemDetailsSchema } from '../admin/problem-details.ts';
import type { ClusterExplanation, KeptVersion, userSchema } from '../admin/requests.ts';
import type { ClosedView } from '../admin/state.ts';

export type User = z.infer<typeof userSchema>;
export type { ClusterExplanation, KeptVersion };

/** The controller said no, and why. */
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

/** Says `ended` when a session is over: the page then asks for the password again. */
export const session = new EventTarget();

export const logIn = (username: string, password: string) =>
  send('/auth/session', { method: 'POST', body: JSON.stringify({ username, password }) });

export async function logOut(): Promise<void> {
  await send('/auth/session', { method: 'DELETE' });
  session.dispatchEvent(new Event('ended'));
}

/** Undefined where nobody is logged in. */
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

export const explain = (url: string) => read<ClusterExplanation[]>(`/api/explain?url=${encodeURIComponent(url)}`);

const versionsPath = (cluster: string) => `/api/clusters/${encodeURIComponent(cluster)}/versions`;

export const listVersions = (cluster: string) => read<KeptVersion[]>(versionsPath(cluster));

export const readVersion = async (cluster: string, version: string): Promise<string> =>
  (await request(`${versionsPath(cluster)}/${encodeURIComponent(version)}`)).text();

export const hold = (cluster: string, version: string) =>
  change(`${versionsPath(cluster)}/${encodeURIComponent(version)}/hold`, 'PUT');

export const release = (cluster: string) => change(`/api/clusters/${encodeURIComponent(cluster)}/hold`, 'DELETE');

/** What can be closed for a while. */
export type Target = Pick<ClosedView, 'kind' | 'name'>;

const maintenancePath = ({ kind, name }: Target) => `/api/maintenance/${kind}s/${encodeURIComponent(name)}`;

export const close = (target: Target, allow: readonly string[]) => change(maintenancePath(target), 'PUT', { allow });

export const openAgain = (target: Target) => change(maintenancePath(target), 'DELETE');

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
  const headers = { accept: 'application/json', ...(init.body ? { 'content-type': 'application/json' } : {}) };
  const answer = await insist(() => fetch(path, { ...init, headers }));
  if (answer.ok) return answer;
  const title = `Refused (${answer.status})`;
  throw new Refused({
    status: answer.status,
    title,
    detail: answer.statusText,
    ...(await answer.json().catch(() => ({}))),
  });
}

/** Browsers drop requests when a network of their machine comes or goes. Everything here may be asked for twice. */
async function insist(attempt: () => Promise<Response>): Promise<Response> {
  for (const pauseMs of RETRY_MS) {
    try {
      return await attempt();
    } catch {
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }
  return attempt().catch(() => {
    const detail = 'The controller does not answer. Try again in a moment.';
    throw new Refused({ status: 0, title: 'No answer', detail });
  });
}
