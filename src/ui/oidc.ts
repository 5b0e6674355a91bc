import { finishOidc, startOidc } from './api.ts';

/** Path that the OpenID provider redirects the browser to. */
const RETURN_PATH = '/auth/oidc/return';
/** Other origins and windows cannot read session storage, so an attacker cannot inject the response to a sign-in of their own. */
const FLOW_KEY = 'signalbox-oidc';

export async function goToProvider(): Promise<void> {
  const { url, state, flow } = await startOidc();
  sessionStorage.setItem(FLOW_KEY, JSON.stringify({ state, flow }));
  location.assign(url);
}

/** The provider's response, if the browser was just redirected back. It is removed from the address and history immediately. */
export function takeAnswer(): string | undefined {
  if (location.pathname !== RETURN_PATH) return undefined;
  const { search } = location;
  history.replaceState(null, '', '/');
  return search;
}

/** The reason if the sign-in failed, else undefined. */
export async function finishSignIn(answer: string): Promise<string | undefined> {
  const query = new URLSearchParams(answer);
  const kept = sessionStorage.getItem(FLOW_KEY);
  sessionStorage.removeItem(FLOW_KEY);
  const { state, flow } = JSON.parse(kept ?? '{}') as { readonly state?: string; readonly flow?: string };
  if (flow === undefined || query.get('state') !== state)
    return 'This sign-in was not started in this window. Try again.';
  if (query.has('error')) return 'The OpenID provider rejected the sign-in.';
  return finishOidc(flow, answer).then(
    () => undefined,
    (error: Error) => error.message,
  );
}
