// The administrator's page in a real browser, on a real swarm: nginx serves the result of every click.
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { adminPassword } from '../../bed/admin-password.ts';
import { browserPath, complaints, keepPicture, launchBrowser, logInto, openWindow } from '../support/browser.ts';
import { administer, bed, eventually, proxyConfiguration, settled } from '../support/interlock.ts';
import { answers, deployStack, type Stack } from '../support/story.ts';

describe.skipIf(browserPath === undefined)('An administrator', () => {
  let stack: Stack;
  let browser: Browser;
  let page: Page;
  let complained: string[];

  const view = async (name: string) => {
    await page.getByRole('navigation', { name: 'Views' }).getByRole('link', { name }).click();
    await page.getByRole('heading', { level: 1, name }).waitFor();
  };
  const confirm = (verb: string) => page.getByRole('dialog').getByRole('button', { name: verb }).click();
  const status = async (host: string, port = 8080) => (await bed.request({ host, path: '/ping', port })).status;

  beforeAll(async () => {
    stack = await deployStack('paged', { web: { host: 'paged.local' } });
    browser = await launchBrowser();
    page = await openWindow(browser, 'light');
    page.setDefaultTimeout(60_000);
    complained = complaints(page);
  });

  afterEach(async ({ task }) => {
    if (task.result?.state === 'fail') await keepPicture(page, 'story-failed');
  });

  afterAll(async () => {
    await administer('/api/clusters/default/hold', { method: 'DELETE' });
    await administer('/api/interlock', { method: 'POST', body: '{"HTTPPort":8080,"HTTPSPort":8443}' });
    await browser?.close();
    await stack?.[Symbol.asyncDispose]();
  });

  it('signs in', async () => {
    const { host, port } = bed.manager.address(9443);
    await logInto(page, `https://${host}:${port}/`, 'admin', await adminPassword(bed));
    await page.getByRole('heading', { name: 'Healthy' }).waitFor();
    await keepPicture(page, 'story-overview');
  });

  it('sees the route of a new service appear, without reloading the page', async () => {
    await page.evaluate('window.loadedOnce = true');
    await view('Routes');
    await page.getByText('paged.local', { exact: true }).waitFor();
    await stack.deploy({ web: { host: 'paged.local' }, fresh: { host: 'fresh.local' } });
    await page.getByText('fresh.local', { exact: true }).waitFor();
    await page.getByText('paged_fresh').waitFor();
    expect(await page.evaluate('window.loadedOnce')).toBe(true);
    await answers('fresh.local');
    // The controller looks at tasks every two seconds while they start.
    await page.locator('.answer-reason', { hasText: '1 of 1 task' }).nth(1).waitFor();
    await page.getByRole('textbox', { name: 'URL' }).fill('fresh.local/some/path');
    await page.getByRole('button', { name: 'Explain' }).click();
    await page.getByRole('heading', { name: 'receives /some/path' }).waitFor();
    await keepPicture(page, 'story-routes');
  });

  it('sees the problem of a label, and sees it disappear once fixed', async () => {
    await view('Problems');
    const broken = { 'com.docker.lb.ip_hash': 'sometimes' };
    await stack.deploy({ web: { host: 'paged.local', labels: broken }, fresh: { host: 'fresh.local' } });
    const problem = page.getByRole('listitem').filter({ hasText: 'com.docker.lb.ip_hash=sometimes' });
    await problem.getByText('paged_web').first().waitFor();
    await problem.getByText('Set it to a boolean').waitFor();
    await keepPicture(page, 'story-problems');
    await stack.deploy({ web: { host: 'paged.local' }, fresh: { host: 'fresh.local' } });
    await problem.waitFor({ state: 'detached' });
  });

  it('puts a host under maintenance, and ends it', async () => {
    await view('Maintenance');
    await page.getByLabel('Name').fill('fresh.local');
    await page.getByRole('button', { name: 'Start maintenance…' }).click();
    await confirm('Start maintenance');
    await page.getByRole('button', { name: 'End maintenance of fresh.local' }).waitFor();
    await eventually(async () => expect(await status('fresh.local')).toBe(503), 120_000);
    expect(await status('paged.local')).toBe(200);
    await keepPicture(page, 'story-maintenance');
    await settled();
    await page.getByRole('button', { name: 'End maintenance of fresh.local' }).click();
    await page.getByRole('heading', { name: 'Nothing under maintenance' }).waitFor();
    await answers('fresh.local');
  });

  it('compares two versions, rolls back to one, and releases it', async () => {
    await settled();
    await view('Configuration');
    await page.getByText('worker_processes').waitFor();
    await page.getByLabel('Compare with').selectOption({ index: 1 });
    await page.locator('.diff-removed', { hasText: '503' }).first().waitFor();
    await keepPicture(page, 'story-comparison');
    // Back to the one in which the host is closed.
    await page.getByRole('button', { name: 'Roll back to' }).first().click();
    await confirm('Roll back and hold');
    await page.getByText('default is held').waitFor();
    await eventually(async () => expect(await status('fresh.local')).toBe(503), 120_000);
    await stack.deploy({ web: { host: 'paged.local' }, fresh: { host: 'fresh.local,later.local' } });
    await view('Routes');
    await page.getByText('later.local', { exact: true }).waitFor();
    await view('Overview');
    await page.getByText('default is held').waitFor();
    await page.getByText('Held default at version').first().waitFor();
    await keepPicture(page, 'story-held');
    expect(await proxyConfiguration()).not.toContain('later.local');
    await settled();
    await page.getByRole('button', { name: 'Release' }).click();
    await page.getByText('default is held').waitFor({ state: 'detached' });
    await answers('later.local');
    await answers('fresh.local');
    await settled();
  });

  it('turns routing off, and on again with other ports', async () => {
    await page.getByRole('button', { name: 'Turn off…' }).click();
    await confirm('Turn off');
    await page.getByRole('heading', { name: 'Off', exact: true }).waitFor();
    await eventually(async () => expect(await bed.docker('service', 'ls')).not.toContain('signalbox-proxy'), 120_000);
    await keepPicture(page, 'story-off');
    await page.getByLabel('HTTP port').fill('9080');
    await page.getByRole('button', { name: 'Turn on' }).click();
    await page.getByText('Switched on, HTTP 9080, HTTPS 8443').waitFor();
    await page.getByRole('heading', { name: 'Healthy' }).waitFor();
    await settled();
    await answers('paged.local', 'worker1', 9080);
    expect(complained).toEqual([]);
  });
});
