import type { State } from '../../../controller/admin/state.ts';
import { ownerOf, severities, sortProblems } from '../../lib/problems.ts';
import { Lamp } from '../../parts/signal.tsx';

const SHOWN = 4;

/** A summary of the most severe problems; empty if there are none. */
export function Worst({ problems }: { readonly problems: State['problems'] }) {
  if (problems.length === 0) return null;
  return (
    <section class="card" aria-labelledby="worst">
      <header class="card-head">
        <h2 id="worst">Problems</h2>
        <a class="small" href="#/problems">
          {problems.length > SHOWN ? `All ${problems.length}` : 'How to fix them'}
        </a>
      </header>
      <ul class="plain worst">
        {sortProblems(problems)
          .slice(0, SHOWN)
          .map((problem) => ({ ...problem, owner: problem.cluster ?? ownerOf(problem) }))
          .map(({ severity, service, cluster, label, reason, owner }) => (
            <li key={`${service} ${cluster} ${label} ${reason}`}>
              <Lamp aspect={severities[severity].aspect} />
              <span>
                <strong>{service ?? owner}</strong> <span class="muted small">{label}</span>
                <br />
                {reason}
              </span>
            </li>
          ))}
      </ul>
    </section>
  );
}
