import { useContext, useEffect, useRef } from 'preact/hooks';
import type { State } from '../controller/admin/state.ts';
import { logOut } from './api.ts';
import { showInTab } from './favicon.ts';
import { UserContext, useCanChange } from './hooks.ts';
import { healthOf } from './lib/health.ts';
import { type Place, toHash, type View, views } from './lib/place.ts';
import type { Connection } from './live.ts';
import { usePlace } from './location.ts';
import { Banners } from './parts/banners.tsx';
import { Loading } from './parts/notes.tsx';
import { Lamp, Signal } from './parts/signal.tsx';
import { Access } from './views/access.tsx';
import { Certificates } from './views/certificates.tsx';
import { Configuration } from './views/configuration.tsx';
import { Diagnosis } from './views/diagnosis.tsx';
import { Maintenance } from './views/maintenance.tsx';
import { Overview } from './views/overview.tsx';
import { Problems } from './views/problems.tsx';
import { Routes } from './views/routes.tsx';
import { Traffic } from './views/traffic.tsx';

const titles: Readonly<Record<View, string>> = {
  overview: 'Overview',
  routes: 'Routes',
  certificates: 'Certificates',
  traffic: 'Traffic',
  problems: 'Problems',
  configuration: 'Configuration',
  maintenance: 'Maintenance',
  diagnosis: 'Diagnosis',
  access: 'Access',
};

interface ShellProps {
  readonly state: State | undefined;
  readonly connection: Connection;
}

/** The frame around every view: navigation, overall health, connection status. */
export function Shell({ state, connection }: ShellProps) {
  const place = usePlace();
  const heading = useRef<HTMLHeadingElement>(null);
  const isFirst = useRef(true);
  const aspect = aspectOf(state, connection);
  useEffect(() => showInTab(aspect), [aspect]);
  useEffect(() => {
    document.title = `${titles[place.view]} · Signalbox`;
    // Moving the focus lets screen readers announce the new view.
    if (!isFirst.current) heading.current?.focus();
    isFirst.current = false;
  }, [place.view]);
  return (
    <div class="shell">
      <button type="button" class="button skip" onClick={() => heading.current?.focus()}>
        Skip to content
      </button>
      <header class="rail">
        <a class="brand" href="#/overview">
          <Signal aspect={aspect} />
          <span>Signalbox</span>
        </a>
        <Navigation place={place} state={state} />
        <Foot connection={connection} />
      </header>
      <main class="content" id="content">
        <Banners state={state} connection={connection} />
        <h1 ref={heading} tabIndex={-1}>
          {titles[place.view]}
        </h1>
        {state === undefined ? <Loading what="the swarm's state" rows={5} /> : <Body place={place} state={state} />}
      </main>
    </div>
  );
}

function aspectOf(state: State | undefined, connection: Connection) {
  return state === undefined || connection.kind !== 'live' ? 'off' : healthOf(state).aspect;
}

function Body({ place, state }: { readonly place: Place; readonly state: State }) {
  switch (place.view) {
    case 'overview':
      return <Overview state={state} />;
    case 'routes':
      return <Routes state={state} place={place} />;
    case 'certificates':
      return <Certificates place={place} />;
    case 'traffic':
      return <Traffic place={place} />;
    case 'problems':
      return <Problems state={state} place={place} />;
    case 'configuration':
      return <Configuration state={state} place={place} />;
    case 'maintenance':
      return <Maintenance state={state} />;
    case 'diagnosis':
      return <Diagnosis />;
    case 'access':
      return <Access state={state} />;
  }
}

function Navigation({ place, state }: { readonly place: Place; readonly state: State | undefined }) {
  const counts: Partial<Record<View, number | undefined>> = {
    routes: state?.routes.length,
    problems: state?.problems.length,
    maintenance: state?.maintenance.length,
  };
  const { role } = useContext(UserContext);
  const canChange = useCanChange();
  const open = views.filter(
    (view) => (view !== 'access' || role === 'administrator') && (view !== 'diagnosis' || canChange),
  );
  return (
    <nav aria-label="Views">
      {open.map((view) => (
        <a key={view} href={toHash({ view, query: {} })} aria-current={view === place.view ? 'page' : undefined}>
          {titles[view]}
          {counts[view] ? <span class={`count count-${view}`}>{counts[view].toLocaleString('en')}</span> : null}
        </a>
      ))}
    </nav>
  );
}

const lines = {
  connecting: { aspect: 'off', text: 'Connecting…' },
  live: { aspect: 'clear', text: 'Live' },
  lost: { aspect: 'danger', text: 'Disconnected' },
} as const;

function Foot({ connection }: { readonly connection: Connection }) {
  const user = useContext(UserContext);
  const { aspect, text } = lines[connection.kind];
  return (
    <div class="foot">
      <span class="line" role="status">
        <Lamp aspect={aspect} /> {text}
      </span>
      <span class="user">
        {user.name}
        {user.role === 'viewer' ? <span class="muted"> · read-only</span> : null}
        {user.role === 'operator' ? <span class="muted"> · operator</span> : null}
      </span>
      <button type="button" class="button button-quiet" onClick={() => void logOut()}>
        Sign out
      </button>
    </div>
  );
}
