import { finishOidc, startOidc } from './api.ts';

/** Where the OpenID provider sends the browser back to. */
const RETURN_PATH = '/auth/oidc/return';
/** Other origins and other windows cannot read it: so nobody can plant an answer here that belongs to a sign-in of their own. */
const FLOW_KEY = 'signalbox-oidc';

export async function goToProvider(): Promise<void> {
  const { url, state, flow } = await startOidc();
  sessionStorage.setItem(FLOW_KEY, JSON.stringify({ state, flow }));
  location.assign(url);
}

/** The provider's answer, if it has just sent the browser back. It is taken out of address and history at once. */
export function takeAnswer(): string | undefined {
  if (location.pathname !== RETURN_PATH) return undefined;
  const { search } = location;
  history.replaceState(null, '', '/');
  return search;
}

/** Why it did not work; undefined if it did. */
export async function finishSignIn(answer: string): Promise<string | undefined> {
  const query = new URLSearchParams(answer);
  const kept = sessionStorage.getItem(FLOW_KEY);
  sessionStorage.removeItem(FLOW_KEY);
  const { state, flow } = JSON.parse(kept ?? '{}') as { readonly state?: string; readonly flow?: string };
  if (flow === undefined || query.get('state') !== state)
    return 'This sign-in did not begin in this window. Try again.';
  if (query.has('error')) return 'The OpenID provider did not sign you in.';
  return finishOidc(flow, answer).then(
    () => undefined,
    (error: Error) => error.message,
  );
}
