import { expect, test } from 'vitest';
import { failedTests, type Report } from '../../../bed/failed-tests.ts';

const report: Report = {
  numPassedTests: 1,
  numPendingTests: 0,
  numTodoTests: 0,
  testResults: [
    {
      name: '/project/test/unit/a.test.ts',
      assertionResults: [
        { fullName: 'a route answers', status: 'passed', failureMessages: [] },
        { fullName: 'a route stays', status: 'failed', failureMessages: ['AssertionError: 502\n    at line 7'] },
      ],
    },
    {
      name: '/project/test/nginx/b.test.ts',
      assertionResults: [{ fullName: 'nginx starts', status: 'failed', failureMessages: null }],
    },
  ],
};

test('each failed test is named with its file and the beginning of its message', () => {
  expect(failedTests(report, '/project')).toEqual([
    'test/unit/a.test.ts > a route stays\n  AssertionError: 502\n      at line 7',
    'test/nginx/b.test.ts > nginx starts\n  ',
  ]);
});

test('a long message is cut', () => {
  const [only] = failedTests(
    {
      ...report,
      testResults: [
        {
          name: 'a.test.ts',
          assertionResults: [{ fullName: 'fails', status: 'failed', failureMessages: ['line\n'.repeat(500)] }],
        },
      ],
    },
    '/project',
  );
  expect(only?.split('\n')).toHaveLength(13);
});
