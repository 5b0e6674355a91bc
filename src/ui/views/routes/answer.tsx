import type { RouteView } from '../../../controller/admin/state.ts';
import { type AnswerGroup, countAnswers, shownAnswer, whyLink } from '../../lib/answers.ts';
import { Lamp } from '../../parts/signal.tsx';

/** What a route answers, and why. */
export function Answer({ route }: { readonly route: RouteView }) {
  const { aspect, title } = shownAnswer(route);
  const why = whyLink(route);
  return (
    <>
      <Lamp aspect={aspect} /> {title}
      <span class="muted small answer-reason">
        {route.answer.text} {why === undefined ? null : <a href={why}>why?</a>}
      </span>
    </>
  );
}

interface ChipsProps {
  readonly routes: readonly RouteView[];
  /** '' for all. */
  readonly chosen: string;
  readonly onChoose: (group: AnswerGroup | '') => void;
}

/** Filters the routes by their answer. */
export function AnswerChips({ routes, chosen, onChoose }: ChipsProps) {
  const groups = [...countAnswers(routes)];
  if (groups.length < 2 && chosen === '') return null;
  const chip = (group: AnswerGroup | '', text: string, number: number) => (
    <button
      key={group}
      type="button"
      class="chip"
      aria-pressed={chosen === group}
      onClick={() => onChoose(chosen === group ? '' : group)}
    >
      {text} <span class="chip-count">{number}</span>
    </button>
  );
  return (
    <fieldset class="chips">
      <legend class="for-ears">Filter by answer</legend>
      {chip('', 'all', routes.length)}
      {groups.map(([group, number]) => chip(group, group, number))}
    </fieldset>
  );
}
