// The page says what each route answers and why, filters by it, and links to the problem. Screenshots are kept in test/artifacts/page.
import { describe, expect, it } from 'vitest';
import {
  browserPath,
  expectAccessible,
  expectNoOverflow,
  keepPicture,
  logInto,
  openWindow,
  sizes,
} from '../support/browser.ts';
import { aService } from '../support/builders.ts';
import { builtPage } from '../support/built-page.ts';
import { aBusyDay, PageWorld, passwords } from '../support/page-world.ts';

describe.skipIf(browserPath === undefined)('Answers of routes', () => {
  const built = builtPage();

  it.each(['light', 'dark'] as const)('have reasons, %s', async (look) => {
    await using page = await PageWorld.open(built.folder);
    await aBusyDay(page);
    const { swarm, backends, extension } = page.world;
    swarm.deploy(aService('crashing', { mode: { kind: 'replicated', replicas: 2 } }));
    await page.look();
    const crash = { state: 'failed', desiredState: 'shutdown', exitCode: 3, error: 'task: non-zero exit (3)' };
    swarm.setTasks('crashing', [crash, { ...crash, place: '1' }, { ...crash, place: '2' }]);
    const peer = { address: 'tasks.wiki.app', port: 8080, tasks: 1, refused: 1, timedOut: 0, unreachable: 0 };
    extension.faults = { peers: [peer], hasMore: false };
    backends.note(page.world.status.snapshot.services.find(({ name }) => name === 'crashing')!.id);
    await backends.look();
    swarm.countTasks();
    await page.look();
    const window = await openWindow(built.browser, look);
    await logInto(window, page.url, 'admin', passwords.admin);

    await window.goto(`${page.url}/#/routes`);
    await window.getByText('0 of 2 tasks of crashing run: the application ends with exit code 3, 2 times').waitFor();
    await window.getByText('Nothing listens on port 8080 of wiki').waitFor();
    await window.getByText('closed by com.docker.lb.port "30000000"').waitFor();
    await window.getByText('under maintenance, except for 192.0.2.0/24').waitFor();
    await window.getByText('no tasks desired').waitFor();
    await expectAccessible(window);
    for (const size of ['narrow', 'wide'] as const) {
      await window.setViewportSize(sizes[size]);
      await expectNoOverflow(window);
      await keepPicture(window, `routes-answers-${look}-${size}`);
    }

    await window.getByRole('button', { name: /^not answering/ }).click();
    await window.getByText(/^3 of \d+ routes$/).waitFor();
    expect(window.url()).toContain('answer=not');
    await window
      .getByRole('row', { name: /wiki\.example\.org/ })
      .getByRole('link', { name: 'why?' })
      .click();
    await window.getByText('Only problems of wiki.').waitFor();
    await window.getByText('Let the application listen on 0.0.0.0:8080').waitFor();
    expect(await window.getByText('Did you mean com.docker.lb.context_root?').count()).toBe(0);
    await keepPicture(window, `problems-of-service-${look}`);
    await window.getByRole('link', { name: /^Show all/ }).click();
    await window.getByText('Did you mean com.docker.lb.context_root?').waitFor();
    await window.goto(`${page.url}/#/routes?url=crashing.example.org`);
    await window.getByText('No task of crashing answers through route crashing.example.org/').waitFor();
  });
});
