// Sign-in through OpenID Connect and API tokens, in Chromium.
import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import {
  browserPath,
  complaints,
  expectAccessible,
  expectNoOverflow,
  keepPicture,
  logInto,
  openWindow,
  sizes,
} from '../support/browser.ts';
import { builtPage } from '../support/built-page.ts';
import { TestProvider } from '../support/oidc-provider.ts';
import { PageWorld, passwords } from '../support/page-world.ts';

describe.skipIf(browserPath === undefined)('The page', () => {
  const built = builtPage();

  async function visitProvider(page: Page, account: string): Promise<void> {
    await page.locator('input[name="login"]').fill(account);
    await page.locator('input[name="password"]').fill('x');
    await page.locator('button[type="submit"]').click();
    await page.locator('input[name="prompt"][value="consent"]').waitFor({ state: 'attached' });
    await page.locator('button[type="submit"]').click();
  }

  it('signs in through OpenID Connect, removes the code from its address, and stays signed in', async () => {
    let provider: TestProvider | undefined;
    await using world = await PageWorld.open(built.folder, async (origin) => {
      provider = await TestProvider.open([origin]);
      return provider.client();
    });
    await using _ = provider!;
    const page = await openWindow(built.browser, 'light');
    const complained = complaints(page);
    await page.goto(world.url);
    const button = page.getByRole('button', { name: 'Sign in with OpenID Connect' });
    await button.waitFor();
    await expectAccessible(page);
    await keepPicture(page, 'login-oidc-light-wide');
    await button.click();
    await visitProvider(page, 'olga');
    await page.getByRole('heading', { name: 'Overview' }).waitFor();
    expect(new URL(page.url()).pathname + new URL(page.url()).search).toBe('/');
    await page.getByText('olga').waitFor();
    await page.getByText('Live', { exact: true }).waitFor();
    expect(await page.evaluate('sessionStorage.length')).toBe(0);
    await page.reload();
    await page.getByText('olga').waitFor();
    expect(await page.getByRole('link', { name: 'Access' }).count()).toBe(0);
    await page.getByRole('button', { name: 'Sign out' }).click();
    await button.waitFor();
    expect(complained).toEqual([]);
  });

  it('rejects an answer planted by an attacker, and says why', async () => {
    let provider: TestProvider | undefined;
    await using world = await PageWorld.open(built.folder, async (origin) => {
      provider = await TestProvider.open([origin]);
      return provider.client();
    });
    await using _ = provider!;
    const page = await openWindow(built.browser, 'light');
    // The attacker begins a sign-in elsewhere, and sends the victim the final link.
    const attacker = page.context().request;
    const begun = await attacker.post(`${world.url}/auth/oidc`, { ignoreHTTPSErrors: true });
    const { url } = (await begun.json()) as { url: string };
    const planted = await provider!.visit(url, 'ada');
    await page.goto(planted.href);
    await page.getByText('This sign-in was not started in this window.').waitFor();
    await page.getByLabel('Password').waitFor();
    expect(new URL(page.url()).search).toBe('');
  });

  it('does not offer OpenID Connect if it is not configured', async () => {
    await using world = await PageWorld.open(built.folder);
    const page = await openWindow(built.browser, 'light');
    const methods = page.waitForResponse(/\/auth\/methods$/);
    await page.goto(world.url);
    await methods;
    await page.getByLabel('Password').waitFor();
    expect(await page.getByRole('button', { name: /OpenID/ }).count()).toBe(0);
  });

  it('creates a token, shows it once, and revokes it', async () => {
    await using world = await PageWorld.open(built.folder);
    const page = await openWindow(built.browser, 'dark');
    await logInto(page, world.url, 'admin', passwords.admin);
    await page.getByRole('link', { name: 'Access' }).click();
    await page.getByLabel('Name').fill('ci-deploy');
    await page.getByLabel('Role').selectOption('operator');
    await page.getByLabel('Cluster').selectOption('default');
    await page.getByRole('button', { name: 'Create' }).click();
    const shown = page.locator('.token-value');
    await shown.waitFor();
    const headers = { authorization: `Bearer ${await shown.textContent()}` };
    const ask = async () =>
      (await page.context().request.get(`${world.url}/api/state`, { headers, ignoreHTTPSErrors: true })).status();
    await page.getByText('Cluster default').waitFor();
    for (const size of ['narrow', 'wide'] as const) {
      await page.setViewportSize(sizes[size]);
      await expectNoOverflow(page);
      await keepPicture(page, `token-created-dark-${size}`);
    }
    await expectAccessible(page);
    await page.context().clearCookies();
    expect(await ask()).toBe(200);
    await logInto(page, world.url, 'admin', passwords.admin);
    await page.goto(`${world.url}/#/access`);
    await page.getByRole('button', { name: 'Revoke ci-deploy' }).waitFor();
    expect(await shown.count()).toBe(0);
    await page.getByRole('button', { name: 'Revoke ci-deploy' }).click();
    await page.getByRole('button', { name: 'Revoke token' }).click();
    await page.getByText('No API tokens.').waitFor();
    expect(await ask()).toBe(401);
  });
});
