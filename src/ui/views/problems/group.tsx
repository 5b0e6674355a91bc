import { useState } from 'preact/hooks';
import type { Cause, ProblemGroup } from '../../../model/problem-groups.ts';
import { count } from '../../lib/format.ts';
import { ownerOf, type Problem, problemText, severities } from '../../lib/problems.ts';
import { More } from '../../parts/more.tsx';
import { Lamp } from '../../parts/signal.tsx';
import { Ago } from '../../parts/time.tsx';
import { AffectedRoutes } from './affected.tsx';
import { Meaning } from './meaning.tsx';

/** Causes shown at a time. More make the page slow. */
const PAGE = 10;
/** Services of a cause that are listed. */
const SHOWN_SERVICES = 20;

export function ProblemGroupCard({ group }: { readonly group: ProblemGroup<Problem> }) {
  const [pages, setPages] = useState(1);
  const { severity, id, causes } = group;
  const { aspect, title } = severities[severity];
  const name = id ?? 'Other problems';
  return (
    <section class={`card problem-${severity}`} aria-label={name}>
      <header class="card-head">
        <h2>
          <Lamp aspect={aspect} /> {name}
        </h2>
        <span class="muted small">
          <span class="problem-kind">{title}</span> · {count(group.count, 'problem')}
          {causes.length < group.count ? ` in ${count(causes.length, 'cause')}` : ''}
        </span>
      </header>
      {id === undefined ? null : <Meaning id={id} />}
      <ul class="plain problems">
        {causes.slice(0, pages * PAGE).map((cause) => (
          <CauseItem
            key={JSON.stringify([cause.problem.label, cause.problem.value, cause.problem.reason])}
            {...cause}
          />
        ))}
      </ul>
      <More isNeeded={causes.length > pages * PAGE} onMore={() => setPages(pages + 1)} />
    </section>
  );
}

function CauseItem({ problem, same }: Cause<Problem>) {
  const { severity, label, value, reason, remedy, affects, service } = problem;
  const since = same.flatMap((one) => one.since ?? []).toSorted()[0];
  return (
    <li class={`problem problem-${severity}`}>
      <p class="problem-owners">
        <Owners same={same} />
        {since === undefined ? null : (
          <span class="muted small">
            {' '}
            <Ago at={since} />
          </span>
        )}
        <CopyButton text={problemText(problem, same)} />
      </p>
      {label === undefined ? null : (
        <p class="problem-label">
          <code>
            <span class="label-name">{label}</span>
            {value === undefined ? null : (
              <>
                <span class="muted">=</span>
                <span class="label-value">{value === '' ? '""' : value}</span>
              </>
            )}
          </code>
        </p>
      )}
      <p class="problem-reason">{reason}</p>
      {affects === undefined ? null : (
        <AffectedRoutes affects={same.flatMap((one) => one.affects ?? [])} owner={service} />
      )}
      <p class="problem-remedy">
        <span class="remedy-mark" aria-hidden="true">
          →
        </span>
        <span class="for-ears">Fix: </span>
        {remedy}
      </p>
    </li>
  );
}

function Owners({ same }: { readonly same: readonly Problem[] }) {
  const owners = [...new Set(same.map(ownerOf))];
  const [cluster, ...others] = new Set(same.flatMap((one) => (one.service === undefined ? [] : (one.cluster ?? []))));
  const more = owners.length - SHOWN_SERVICES;
  return (
    <>
      <strong>{owners.slice(0, SHOWN_SERVICES).join(', ')}</strong>
      {more > 0 ? ` and ${count(more, 'more service', 'more services')}` : null}
      {cluster !== undefined && others.length === 0 ? <span class="muted"> in {cluster}</span> : null}
    </>
  );
}

function CopyButton({ text }: { readonly text: string }) {
  const [copied, setCopied] = useState(false);
  const copy = () => void navigator.clipboard.writeText(text).then(() => setCopied(true));
  return (
    <button type="button" class="button button-small problem-copy" onClick={copy}>
      {copied ? 'Copied' : 'Copy'}
    </button>
  );
}
