import { LABEL_PREFIX } from './label.ts';
import { type LabelName, labelAliases, labels } from './labels.ts';
import { editDistance } from './nearest.ts';

/** Labels of other tools, however similar their names are. */
const FOREIGN =
  /^(?:traefik|com\.docker\.(?:compose|stack|ucp|interlock|swarm|service|network|desktop|extension|volume))\./;
const LABEL_TEXT = /^[\w.:-]{6,80}$/;
const HEAD = 'com.docker';

interface Candidate {
  /** Without separators. */
  readonly text: string;
  readonly name: LabelName;
  /** Number of letters that may differ. */
  readonly tolerance: number;
}

const candidates: readonly Candidate[] = [...Object.keys(labels), ...Object.keys(labelAliases)].flatMap((written) => {
  const name = labelAliases[written] ?? (written as LabelName);
  const heads = [['comdockerlb', 2] as const, ...['comdocker', 'dockerlb', 'comlb'].map((head) => [head, 1] as const)];
  return heads.map(([head, tolerance]) => ({ text: flatten(head + written), name, tolerance }));
});

/** The label that a mistyped one probably means; undefined for our own labels and for unrelated ones. */
export function meantLabel(label: string): string | undefined {
  const text = label.trim().toLowerCase();
  if (label.startsWith(LABEL_PREFIX) || FOREIGN.test(label) || !LABEL_TEXT.test(text)) return undefined;
  if (/^com\.docker\.lb[.:_-]?$/.test(text)) return `${LABEL_PREFIX}hosts`;
  if (!beginsLikeOurs(text)) return undefined;
  const { number, rest } = takeNumber(text);
  const name = nearestName(flatten(rest));
  return name && `${LABEL_PREFIX}${number}${name}`;
}

function beginsLikeOurs(text: string): boolean {
  return /^(?:docker|com)[._:-]?lb/.test(text) || editDistance(text.slice(0, HEAD.length), HEAD) <= 2;
}

/** Extracts the group number of a label and the remaining text. */
function takeNumber(text: string): { readonly number: string; readonly rest: string } {
  const found = /(?:[._:-]|(?<=lb))(\d{1,9})(?=[._:-])/.exec(text);
  if (found === null) return { number: '', rest: text };
  return { number: `${found[1]}.`, rest: text.replace(found[0], '') };
}

function nearestName(text: string): LabelName | undefined {
  const near = candidates
    .filter((candidate) => Math.abs(candidate.text.length - text.length) <= candidate.tolerance)
    .map((candidate) => ({ ...candidate, distance: editDistance(text, candidate.text) }))
    .filter(({ distance, tolerance }) => distance <= tolerance)
    .toSorted((a, b) => a.distance - b.distance);
  return near[0]?.name;
}

function flatten(text: string): string {
  return text.replaceAll(/[._:-]/g, '');
}
