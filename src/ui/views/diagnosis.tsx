import { useEffect, useState } from 'preact/hooks';
import type { DoctorView } from '../../controller/admin/doctor.ts';
import { diagnose } from '../api.ts';
import { useCanChange } from '../hooks.ts';
import { count } from '../lib/format.ts';
import { severities } from '../lib/problems.ts';
import { Failure, Loading } from '../parts/notes.tsx';
import { Lamp } from '../parts/signal.tsx';
import { Ago } from '../parts/time.tsx';

type Result = DoctorView['results'][number];
type Finding = Result['findings'][number];

/** Checks of the swarm and its nodes, as by `signalbox doctor`. They run when the view is opened, and when they are asked for. */
export function Diagnosis() {
  return useCanChange() ? <Checked /> : <Failure>Requires the role operator.</Failure>;
}

function Checked() {
  const { view, failure, isRunning, check } = useDiagnosis();
  return (
    <div class="stack">
      <div class="diagnosis-head">
        <p class="lead">
          What in the swarm, its nodes and engines can cause trouble. Mistakes in labels are among the{' '}
          <a href="#/problems">problems</a>.
        </p>
        <button type="button" class="button" disabled={isRunning} onClick={check}>
          {isRunning ? 'Checking…' : 'Check again'}
        </button>
      </div>
      {failure === undefined ? null : <Failure>{failure}</Failure>}
      {view === undefined ? failure === undefined && <Loading what="the checks" rows={5} /> : <Report view={view} />}
    </div>
  );
}

function useDiagnosis() {
  const [loaded, setLoaded] = useState<{ view?: DoctorView; failure?: string }>({});
  const [isRunning, setRunning] = useState(false);
  const check = () => {
    setRunning(true);
    diagnose()
      .then(
        (view) => setLoaded({ view }),
        ({ message }: Error) => setLoaded((last) => ({ ...last, failure: message })),
      )
      .finally(() => setRunning(false));
  };
  useEffect(check, []);
  return { ...loaded, isRunning, check };
}

function Report({ view: { results, observedAt } }: { readonly view: DoctorView }) {
  const findings = results
    .flatMap((result) => result.findings)
    .toSorted((a, b) => severities[a.severity].rank - severities[b.severity].rank);
  const unknown = results.filter(({ status }) => status === 'unknown');
  const passed = results.filter(({ status }) => status === 'ok');
  return (
    <>
      <section class="card" aria-labelledby="findings">
        <header class="card-head">
          <h2 id="findings">{findings.length === 0 ? 'Nothing found' : count(findings.length, 'finding')}</h2>
          <span class="muted small" role="status">
            checked <Ago at={observedAt} />
          </span>
        </header>
        <ul class="plain problems">
          {findings.map((finding) => (
            <FindingItem key={finding.what} {...finding} />
          ))}
        </ul>
      </section>
      <Checks id="passed" title={`${count(passed.length, 'check')} passed`} results={passed} />
      <Checks id="unknown" title="Not visible to the controller" results={unknown} />
    </>
  );
}

function FindingItem({ severity, what, why, fix }: Finding) {
  const { aspect, title } = severities[severity];
  return (
    <li class={`problem problem-${severity}`}>
      <p>
        <Lamp aspect={aspect} /> <span class="problem-kind">{title}</span>
      </p>
      <p class="diagnosis-text">{what}</p>
      <p class="diagnosis-text muted">{why}</p>
      <p class="problem-remedy">
        <span class="remedy-mark" aria-hidden="true">
          →
        </span>
        <span class="for-ears">Fix: </span>
        <span class="diagnosis-text">{fix}</span>
      </p>
    </li>
  );
}

interface ChecksProps {
  readonly id: string;
  readonly title: string;
  readonly results: readonly Result[];
}

function Checks({ id, title, results }: ChecksProps) {
  if (results.length === 0) return null;
  return (
    <section class="card" aria-labelledby={id}>
      <header class="card-head">
        <h2 id={id}>{title}</h2>
      </header>
      <ul class="plain">
        {results.map((result) => (
          <li key={result.check} class="diagnosis-text">
            {result.title}
          </li>
        ))}
      </ul>
    </section>
  );
}
