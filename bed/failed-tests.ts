/** The part of vitest's report in JSON that we read. */
export interface Report {
  numPassedTests: number;
  numPendingTests: number;
  numTodoTests: number;
  testResults: {
    name: string;
    assertionResults: { fullName: string; status: string; failureMessages: string[] | null }[];
  }[];
}

const linesOfMessage = 12;

/** Each failed test as "file > name" and the beginning of its first message. `root` is cut from the names of files. */
export function failedTests(report: Report, root: string): string[] {
  return report.testResults.flatMap(({ name, assertionResults }) =>
    assertionResults
      .filter(({ status }) => status === 'failed')
      .map(({ fullName, failureMessages }) => {
        const message = (failureMessages?.[0] ?? '').split('\n').slice(0, linesOfMessage);
        return [`${name.replace(`${root}/`, '')} > ${fullName}`, ...message].join('\n  ');
      }),
  );
}
