import { useEffect, useState } from 'preact/hooks';
import type { State } from '../controller/admin/state.ts';
import { session, type User, whoAmI } from './api.ts';
import { UserContext } from './hooks.ts';
import { type Connection, watchState } from './live.ts';
import { finishSignIn, takeAnswer } from './oidc.ts';
import { Shell } from './shell.tsx';
import { Login } from './views/login.tsx';

type Visitor =
  | { readonly kind: 'unknown' }
  | { readonly kind: 'stranger' }
  | { readonly kind: 'known'; readonly user: User };

export function App() {
  const [visitor, setVisitor] = useState<Visitor>({ kind: 'unknown' });
  const [refusal, setRefusal] = useState<string>();
  const greet = () =>
    whoAmI().then(
      (user) => setVisitor(user === undefined ? { kind: 'stranger' } : { kind: 'known', user }),
      () => setVisitor({ kind: 'stranger' }),
    );
  useEffect(() => {
    const forget = () => setVisitor({ kind: 'stranger' });
    session.addEventListener('ended', forget);
    const answer = takeAnswer();
    const signedIn = answer === undefined ? Promise.resolve(undefined) : finishSignIn(answer);
    void signedIn.then((reason) => {
      setRefusal(reason);
      return greet();
    });
    return () => session.removeEventListener('ended', forget);
  }, []);
  if (visitor.kind === 'unknown') return null;
  if (visitor.kind === 'stranger') return <Login onLogin={greet} refusal={refusal} />;
  return (
    <UserContext.Provider value={visitor.user}>
      <Live />
    </UserContext.Provider>
  );
}

/** The page of a signed-in user: the controller's last state and the status of the connection. */
function Live() {
  const [state, setState] = useState<State>();
  const [connection, setConnection] = useState<Connection>({ kind: 'connecting' });
  useEffect(() => {
    const onSeen = (observedAt: string | null) => setState((last) => last && { ...last, observedAt });
    return watchState({ onState: setState, onSeen, onConnection: setConnection });
  }, []);
  return <Shell state={state} connection={connection} />;
}
