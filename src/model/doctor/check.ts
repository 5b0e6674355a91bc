/** A result of a diagnosis. */
export interface Finding {
  readonly severity: 'error' | 'warning' | 'notice';
  readonly what: string;
  readonly why: string;
  readonly fix: string;
}

/** A check is a pure function of facts. */
export interface Check<Facts> {
  /** Never changes. */
  readonly id: string;
  readonly title: string;
  /** Undefined if the facts are missing. */
  readonly run: (facts: Facts) => readonly Finding[] | undefined;
}

export interface CheckResult {
  readonly check: string;
  readonly title: string;
  readonly status: 'ok' | 'found' | 'unknown';
  readonly findings: readonly Finding[];
}

export function runChecks<Facts>(checks: readonly Check<Facts>[], facts: Facts): CheckResult[] {
  return checks.map(({ id, title, run }) => {
    const findings = run(facts);
    const status = findings === undefined ? 'unknown' : findings.length === 0 ? 'ok' : 'found';
    return { check: id, title, status, findings: findings ?? [] };
  });
}

const LISTED = 8;

/** `a, b and c`; of long lists the beginning. */
export function inWords(names: readonly string[]): string {
  const more = names.length > LISTED ? [`${names.length - LISTED} more`] : [];
  return new Intl.ListFormat('en').format([...names.slice(0, LISTED), ...more]);
}
