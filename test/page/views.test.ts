// Every view in each of its states: light and dark, wide and narrow. Screenshots are kept in test/artifacts/page.
import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { cookieThief } from '../support/admin-world.ts';
import {
  browserPath,
  complaints,
  expectAccessible,
  expectNoOverflow,
  keepPicture,
  logInto,
  openWindow,
  type Scheme,
  sizes,
} from '../support/browser.ts';
import { aService } from '../support/builders.ts';
import { builtPage } from '../support/built-page.ts';
import { aBusyDay, aDiagnosis, PageWorld, passwords, someCertificates } from '../support/page-world.ts';

describe.skipIf(browserPath === undefined)('The page', () => {
  const built = builtPage();

  /** Checks the view for faults, and keeps screenshots of it in both sizes. */
  async function expectWell(page: Page, name: string, scheme: Scheme): Promise<void> {
    await expectAccessible(page);
    for (const size of ['narrow', 'wide'] as const) {
      await page.setViewportSize(sizes[size]);
      await expectNoOverflow(page);
      await keepPicture(page, `${name}-${scheme}-${size}`);
    }
  }

  it.each(['light', 'dark'] as const)('is readable in its views, %s', async (look) => {
    await using world = await PageWorld.open(built.folder);
    await aBusyDay(world);
    const page = await openWindow(built.browser, look);
    const complained = complaints(page);
    await page.goto(world.url);
    await page.getByLabel('Password').waitFor();
    await expectWell(page, 'login', look);
    await logInto(page, world.url, 'admin', passwords.admin);
    await page.getByLabel('HTTP port').waitFor();
    await expectWell(page, 'overview', look);
    await page.goto(`${world.url}/#/routes?url=shop.example.org/api/cart`);
    await page.getByText('shop_api receives').waitFor();
    await page.getByText('hsts = true').waitFor();
    await page.getByText('from policy shop, for shop_api').waitFor();
    await expectWell(page, 'routes', look);
    await page.goto(`${world.url}/#/problems`);
    await page.getByText('Did you mean com.docker.lb.context_root?').waitFor();
    await expectWell(page, 'problems', look);
    await page.goto(`${world.url}/#/configuration`);
    await page.getByText('worker_processes').waitFor();
    await expectWell(page, 'configuration', look);
    await page.getByLabel('Compare with').selectOption({ index: 1 });
    await page.getByText('unchanged lines').first().waitFor();
    await expectWell(page, 'comparison', look);
    world.certificates = someCertificates();
    await page.goto(`${world.url}/#/certificates`);
    await page.getByText('NXDOMAIN').waitFor();
    await expectWell(page, 'certificates', look);
    await page.goto(`${world.url}/#/maintenance`);
    await page.getByText('metrics.example.org').waitFor();
    await expectWell(page, 'maintenance', look);
    world.diagnosis = aDiagnosis();
    await page.goto(`${world.url}/#/diagnosis`);
    await page.getByText('Node worker2 runs Docker Engine').waitFor();
    await expectWell(page, 'diagnosis', look);
    await page.goto(`${world.url}/#/access`);
    await page.getByText('No API tokens.').waitFor();
    await expectWell(page, 'access', look);
    expect(complained).toEqual([]);
  });

  it('is correct with nothing to show', async () => {
    await using world = await PageWorld.open(built.folder);
    const page = await openWindow(built.browser, 'light');
    await logInto(page, world.url, 'admin', passwords.admin);
    for (const [view, title] of [
      ['routes', 'No routes yet'],
      ['problems', 'No problems'],
      ['certificates', 'No certificates'],
      ['maintenance', 'Nothing under maintenance'],
    ] as const) {
      await page.goto(`${world.url}/#/${view}`);
      await page.getByRole('heading', { name: title }).waitFor();
      await expectWell(page, `${view}-empty`, 'light');
    }
  });

  it('shows the first problems of a service, and the number of others', async () => {
    await using world = await PageWorld.open(built.folder);
    const host = Array.from({ length: 500 }, (_, n) => `wrong ${n}`).join(',');
    world.world.swarm.deploy(aService('wrong', { host }));
    await world.look();
    const page = await openWindow(built.browser, 'light');
    await logInto(page, world.url, 'admin', passwords.admin);

    await page.goto(`${world.url}/#/problems`);

    await page.getByText(/The service has 4\d\d more problems/).waitFor();
    await page.getByRole('region', { name: 'label-invalid' }).getByRole('button', { name: 'Show more' }).click();
    expect(await page.locator('ul.problems > li').count()).toBe(21);
  });

  it('stays usable with 20,000 problems', async () => {
    await using world = await PageWorld.open(built.folder);
    const kinds = ['label-invalid', 'label-unknown', 'network-missing', 'secret-missing'];
    const problems = Array.from({ length: 20_000 }, (_, n) => ({
      ...{ id: kinds[n % 4]!, severity: n % 2 === 0 ? ('error' as const) : ('warning' as const), service: `app${n}` },
      ...{ label: 'com.docker.lb.port', value: `${n % 800}`, reason: 'is not a port', remedy: 'Set it to a port.' },
      since: '2026-01-01T00:00:00.000Z',
    }));
    world.disguise = (state) => ({ ...state, problems });
    const page = await openWindow(built.browser, 'light');
    await logInto(page, world.url, 'admin', passwords.admin);
    const start = performance.now();

    await page.goto(`${world.url}/#/problems`);

    await page.getByText('20,000 problems').waitFor();
    expect(performance.now() - start).toBeLessThan(10_000);
    await page.getByRole('button', { name: /^warnings/ }).click();
    await page.getByText('10000 of 20,000 problems').waitFor();
    await page.getByRole('searchbox').fill('app4241');
    await page.getByText('1 of 20,000 problems').waitFor();
    await page.getByText('What this means').click();
    await page.getByText('resembles one, but does not exist').waitFor();
    await expectWell(page, 'problems-many', 'light');
  });

  it('shows TCP and UDP ports', async () => {
    await using world = await PageWorld.open(built.folder);
    const db = { cluster: 'default', port: 5432, host: null, service: 'shop_db', available: true, answer: 'forwarded' };
    world.disguise = (state) => ({
      ...state,
      streams: [
        { ...db, protocol: 'tcp', tls: 'terminated', host: 'db.example.org' },
        { ...db, protocol: 'udp', tls: 'none', available: false, answer: 'closed: no tasks are desired' },
      ],
    });
    await world.look();
    const page = await openWindow(built.browser, 'light');
    await logInto(page, world.url, 'admin', passwords.admin);

    await page.goto(`${world.url}/#/routes`);

    await page.getByRole('heading', { name: 'TCP and UDP' }).waitFor();
    await page.getByRole('row', { name: /tcp\/5432 db\.example\.org TLS shop_db .*forwarded/ }).waitFor();
    await page.getByRole('row', { name: /udp\/5432 shop_db .*closed: no tasks are desired/ }).waitFor();
    await expectWell(page, 'routes-streams', 'light');
  });

  it('shows that the controller is failing or down', async () => {
    await using world = await PageWorld.open(built.folder);
    await aBusyDay(world);
    const page = await openWindow(built.browser, 'dark');
    await logInto(page, world.url, 'admin', passwords.admin);
    world.disguise = (state) => ({ ...state, error: 'List services: connect ECONNREFUSED' });
    await world.look();
    await page.getByText('The controller is failing.').waitFor();
    await expectWell(page, 'overview-trouble', 'dark');
    await world.close();
    await page.getByText('No connection to the controller.').waitFor();
    await page.getByText('Disconnected').waitFor();
    await expectWell(page, 'overview-disconnected', 'dark');
    await world.serve();
    await page.getByText('Live', { exact: true }).waitFor();
    expect(await page.getByText('No connection to the controller.').count()).toBe(0);
  });

  it('updates live, without reloading', async () => {
    await using world = await PageWorld.open(built.folder);
    const page = await openWindow(built.browser, 'light');
    await logInto(page, world.url, 'admin', passwords.admin);
    await page.getByRole('link', { name: 'Routes' }).first().click();
    await page.getByRole('heading', { name: 'No routes yet' }).waitFor();
    await world.deploy(1000, aService('first'), aService('second'));
    await page.getByText('second.example.org', { exact: true }).waitFor();
    await page.keyboard.press('/');
    await page.keyboard.type('second');
    await page.getByText('1 of 2 routes').waitFor();
    expect(await page.getByText('first.example.org').count()).toBe(0);
    expect(page.url()).toContain('filter=second');
  });

  it('sorts and filters certificates, and the address leads there again', async () => {
    await using world = await PageWorld.open(built.folder);
    world.certificates = someCertificates();
    const page = await openWindow(built.browser, 'light');
    await logInto(page, world.url, 'admin', passwords.admin);
    await page.getByRole('link', { name: 'Certificates' }).click();
    const first = page.locator('.certificates tbody tr').first();
    // The most urgent ones come first.
    await first.getByText('Not issued yet').waitFor();

    await page.getByRole('button', { name: 'Expires' }).click();
    await page.getByRole('button', { name: 'Expires' }).click();
    await page.locator('th[aria-sort=descending]').getByText('Expires').waitFor();
    await page.keyboard.press('/');
    await page.keyboard.type('cert');
    await page.getByText('2 of 7 certificates').waitFor();
    await first.getByText('blog.cert', { exact: true }).waitFor();

    const window = await page.context().newPage();
    await window.goto(page.url());
    await window.getByText('2 of 7 certificates').waitFor();
    await window.locator('.certificates tbody tr').first().getByText('blog.cert', { exact: true }).waitFor();
  });

  it('renews a certificate on request', async () => {
    await using world = await PageWorld.open(built.folder);
    world.certificates = someCertificates();
    const page = await openWindow(built.browser, 'light');
    await logInto(page, world.url, 'admin', passwords.admin);
    await page.getByRole('link', { name: 'Certificates' }).click();
    const button = page.getByRole('button', { name: /^Renew now: / }).first();
    const name = /: (\S+)$/.exec((await button.getAttribute('aria-label'))!)![1];
    await button.click();
    await expect.poll(() => world.renewed).toEqual([name]);
  });

  it('diagnoses the swarm when the view opens, and again when it is asked to', async () => {
    await using world = await PageWorld.open(built.folder);
    const page = await openWindow(built.browser, 'light');
    await logInto(page, world.url, 'admin', passwords.admin);
    await page.goto(`${world.url}/#/diagnosis`);
    await page.getByText('The controller has not checked the swarm yet.').waitFor();
    world.diagnosis = aDiagnosis();
    await page.getByRole('button', { name: 'Check again' }).click();
    await page.getByRole('heading', { name: '2 findings' }).waitFor();
    const findings = await page.locator('.problem-kind').allTextContents();
    expect(findings).toEqual(['Error', 'Notice']);
    await page.getByRole('heading', { name: '1 check passed' }).waitFor();
    await page.getByRole('heading', { name: 'Not visible to the controller' }).waitFor();
  });

  it('sends a request for an explained URL, and shows its steps', async () => {
    await using world = await PageWorld.open(built.folder);
    await aBusyDay(world);
    const page = await openWindow(built.browser, 'light');
    await logInto(page, world.url, 'admin', passwords.admin);
    await page.goto(`${world.url}/#/routes?url=shop.example.org/api/cart`);
    await page.getByRole('button', { name: 'Send a request' }).click();
    await page.getByText('No node publishes the ports').waitFor();
    // Nothing listens there.
    world.tryTarget = { node: 'worker1', address: '127.0.0.1', port: 9 };
    await page.getByRole('button', { name: 'Send a request' }).click();
    const steps = page.getByRole('list', { name: 'Steps of the request' });
    await steps.getByText('the request goes to worker1').waitFor();
    await steps.getByText('connection refused').waitFor();
    await expectAccessible(page);
    await keepPicture(page, 'tried-light-wide');
  });

  it('explains a request with a method and headers, and what labels do to it', async () => {
    await using world = await PageWorld.open(built.folder);
    await aBusyDay(world);
    const lb = { match: 'method:POST, header:X-Beta=yes, cookie:group=b', retries: 'off', max_body_size: '5m' };
    await world.deploy(0, aService('shop_beta', { host: 'shop.example.org', lb }));
    const page = await openWindow(built.browser, 'light');
    const complained = complaints(page);
    await logInto(page, world.url, 'admin', passwords.admin);
    await page.goto(`${world.url}/#/routes`);
    await page.getByRole('link', { name: /^details of shop\.example\.org\/ .*method:POST$/ }).click();
    await page.getByRole('heading', { name: /^shop_beta receives \/ through route/ }).waitFor();
    await page.getByText('Requests with a body larger than 5m receive 413.').waitFor();
    expect(await page.getByLabel('Method').inputValue()).toBe('POST');
    expect(await page.getByLabel('Headers').inputValue()).toBe('x-beta: yes\ncookie: group=b');
    // Only plain requests are sent.
    expect(await page.getByRole('button', { name: 'Send a request' }).count()).toBe(0);
    await expectWell(page, 'explained-request', 'light');

    await page.getByLabel('Method').selectOption('GET');
    await page.getByRole('button', { name: 'Explain' }).click();
    await page.getByRole('heading', { name: /^shop_web receives \/ through route/ }).waitFor();
    expect(page.url()).not.toContain('method=');
    await page.getByLabel('Headers').fill('X-Beta');
    await page.getByRole('button', { name: 'Explain' }).click();
    await page.getByText('X-Beta is not a header such as X-Beta: yes.').waitFor();
    expect(complained.filter((text) => !text.includes('400'))).toEqual([]);
  });

  it('shows a viewer no control that changes anything', async () => {
    await using world = await PageWorld.open(built.folder);
    await aBusyDay(world);
    const page = await openWindow(built.browser, 'light');
    await logInto(page, world.url, 'viewer', passwords.viewer);
    await page.getByText('read-only').waitFor();
    await page.goto(`${world.url}/#/access`);
    await page.getByText('Requires the role administrator.').waitFor();
    expect(await page.getByRole('link', { name: /Access|Diagnosis/ }).count()).toBe(0);
    await page.goto(`${world.url}/#/diagnosis`);
    await page.getByText('Requires the role operator.').waitFor();
    for (const view of ['overview', 'routes', 'certificates', 'problems', 'configuration', 'maintenance']) {
      await page.goto(`${world.url}/#/${view}`);
      await page.getByRole('heading', { level: 1, name: view }).waitFor();
      await page.getByText(view === 'configuration' ? 'worker_processes' : 'Sign out').waitFor();
      const changing = page.getByRole('button', { name: /turn|change|roll back|release|start|send|end/i });
      expect(await changing.count(), view).toBe(0);
    }
  });

  it('says why a sign-in fails, and asks again when a session is over', async () => {
    await using world = await PageWorld.open(built.folder);
    const page = await openWindow(built.browser, 'light');
    await page.goto(world.url);
    await page.getByLabel('Password').fill('wrong');
    await page.keyboard.press('Enter');
    await page.getByText('Wrong user name or password.').waitFor();
    await logInto(page, world.url, 'admin', passwords.admin);
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByLabel('Password').waitFor();
    await page.reload();
    await page.getByLabel('Password').waitFor();
  });

  it('stays signed in after a reload, and in another window', async () => {
    await using world = await PageWorld.open(built.folder);
    const page = await openWindow(built.browser, 'light');
    await logInto(page, world.url, 'admin', passwords.admin);
    await page.reload();
    await page.getByRole('heading', { name: 'Overview' }).waitFor();
    await page.getByText('Live', { exact: true }).waitFor();
    const second = await page.context().newPage();
    await second.goto(world.url);
    await second.getByText('Live', { exact: true }).waitFor();
    await second.getByRole('button', { name: 'Sign out' }).click();
    await second.getByLabel('Password').waitFor();
    // The server ended the stream of the first window as well.
    await page.getByLabel('Password').waitFor();
  });

  it('sends an application on another port of its host a cookie that opens nothing', async () => {
    await using world = await PageWorld.open(built.folder);
    const page = await openWindow(built.browser, 'light');
    await logInto(page, world.url, 'admin', passwords.admin);
    const thief = await cookieThief();
    try {
      const visit = await page.context().newPage();
      await visit.goto(`https://localhost:${thief.port}/`);
      const [stolen] = thief.stolen;
      expect(stolen).toMatch(/^__Host-signalbox=./);
      expect(await visit.evaluate('localStorage.length + sessionStorage.length')).toBe(0);
      const value = stolen!.slice(stolen!.indexOf('=') + 1);
      for (const headers of [
        { cookie: stolen! },
        { authorization: `Bearer ${value}` },
        { cookie: stolen!, 'x-signalbox-session': value },
      ]) {
        const answer = await page.context().request.get(`${world.url}/api/state`, { headers, ignoreHTTPSErrors: true });
        expect(answer.status(), JSON.stringify(Object.keys(headers))).toBe(401);
      }
      const script = `fetch('${world.url}/api/state', { credentials: 'include' }).then((a) => a.status, () => 'refused')`;
      expect(await visit.evaluate(script)).toBe('refused');
    } finally {
      thief.close();
    }
  });

  it('works with the keyboard alone', async () => {
    await using world = await PageWorld.open(built.folder);
    await aBusyDay(world);
    const page = await openWindow(built.browser, 'dark');
    await logInto(page, world.url, 'admin', passwords.admin);
    await page.getByRole('button', { name: 'Turn off…' }).focus();
    await page.keyboard.press('Enter');
    const dialog = page.getByRole('dialog');
    await dialog.waitFor();
    await page.keyboard.press('Escape');
    // A closed dialog has no role, even while it is still in the page.
    await page.locator('dialog').waitFor({ state: 'detached' });
    expect(await page.evaluate('document.activeElement.textContent')).toBe('Turn off…');
    await page.keyboard.press('Enter');
    await dialog.getByRole('button', { name: 'Turn off' }).focus();
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Off', exact: true }).waitFor();
    // The state arrives as an event, perhaps before the response that closes the dialog, which dims the page.
    await page.locator('dialog').waitFor({ state: 'detached' });
    await expectWell(page, 'overview-off', 'dark');
  });
});
