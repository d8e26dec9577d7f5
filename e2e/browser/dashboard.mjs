// Setup, login, a restart seen live, both themes, phone size, no violation that axe finds.
// node dashboard.mjs BASE CODE FOLDER
import { chromium } from 'playwright-core';
import { readFileSync } from 'node:fs';
import { createHmac } from 'node:crypto';
import { createRequire } from 'node:module';
import assert from 'node:assert/strict';

// A code of RFC 6238 with its usual choices: SHA-1, 30 s, six digits.
const totp = (secret, seconds) => {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
  const bits = [...secret.replace(/[^A-Z2-7]/g, '')].map(letter => alphabet.indexOf(letter).toString(2).padStart(5, '0')).join('');
  const key = Buffer.from(bits.match(/.{8}/g).map(byte => parseInt(byte, 2)));
  const step = Buffer.alloc(8);
  step.writeBigUInt64BE(BigInt(Math.floor(seconds / 30)));
  const mac = createHmac('sha1', key).update(step).digest();
  return String((mac.readUInt32BE(mac[19] & 15) & 0x7fffffff) % 1000000).padStart(6, '0');
};

const [base, code, folder] = process.argv.slice(2);
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
});
try {
  // The stack's root is not in the browser's store; that it is right is curl's part of the tests.
  const context = await browser.newContext({ ignoreHTTPSErrors: true, locale: 'en-GB', viewport: { width: 1280, height: 900 } });
  const page = await context.newPage();
  const complaints = [];
  page.on('pageerror', error => complaints.push(String(error)));
  page.on('console', message => { if (message.type() === 'error') complaints.push(message.text()); });
  page.on('request', request => { if (!request.url().startsWith(base)) complaints.push(`outside request ${request.url()}`); });

  const check = async name => {
    await page.screenshot({ path: `${folder}/${name}.png`, fullPage: true });
    await inspect(name);
  };
  const inspect = async name => {
    await page.evaluate(axe); // by the debugging protocol: the page's own policy allows no foreign script
    const { violations } = await page.evaluate(() => globalThis.axe.run());
    assert.deepEqual(violations.map(v => `${v.id}: ${v.nodes.map(n => n.target).join(' ')}`), [], `axe on ${name}`);
  };

  await page.goto(`${base}/control/setup#${code}`);
  await page.waitForFunction(code => [...document.querySelectorAll('input')].some(input => input.value === code), code);
  await check('setup');
  const passwords = page.locator('input[type=password]');
  for (let i = 0; i < await passwords.count(); i++) await passwords.nth(i).fill('correct-horse-battery');
  await page.locator('form:has(input[type=password]) button.primary').click();

  // The steps after the account, each by its form; left in the middle and gone on with.
  const pick = async (name, value) => {
    await page.locator(`footer button[name=${name}][value=${value}]`).click();
    await page.waitForSelector(`footer button[name=${name}][value=${value}][aria-pressed=true]`);
  };
  const steps = ['look', 'factor', 'trust', 'channel', 'done'];
  for (const step of steps) {
    await page.waitForURL(new RegExp(`/control/setup/${step}$`));
    await check(`setup-${step}`);
    await pick('lang', 'pl');
    await pick('theme', 'dark');
    assert.match(page.url(), new RegExp(`/setup/${step}$`));
    await inspect(`setup-${step} pl dark`);
    await pick('theme', 'auto');
    await pick('lang', 'en');
    if (step === 'factor') {
      await page.locator('form[action$="/factor/begin"] button').click();
      await page.waitForSelector('.qr svg');
      await inspect('setup-factor begun');
    }
    if (step === 'trust') {
      await page.goto(`${base}/control/`);
      await page.waitForSelector('text=camera');
      await page.goto(`${base}/control/setup`);
      await page.waitForURL(/\/setup\/trust$/);
    }
    await page.locator('#go-on').click();
  }
  await page.waitForSelector('text=camera');

  await context.clearCookies();
  await page.goto(`${base}/control/`);
  assert.match(page.url(), /login/);
  await check('login');
  await page.locator('input[name=name]').fill('root');
  await page.locator('input[name=password]').fill('wrong-password');
  await page.locator('form:has(input[name=password]) button.primary').click();
  await page.waitForSelector('[role=alert]');
  await page.locator('input[name=name]').fill('root');
  await page.locator('input[name=password]').fill('correct-horse-battery');
  await page.locator('form:has(input[name=password]) button.primary').click();
  await page.waitForSelector('text=camera');
  const cookie = (await context.cookies()).find(cookie => cookie.name === '__Host-pistack');
  assert.ok(cookie.httpOnly && cookie.secure && cookie.sameSite === 'Lax', JSON.stringify(cookie));

  // A second window sees the restart that the first one asks for, without a reload.
  const second = await context.newPage();
  await second.goto(`${base}/control/programs/camera%3Acamera`);
  const row = where => where.getByRole('row').filter({ has: where.getByRole('link', { name: 'camera', exact: true }) });
  const pid = async where => (await where.locator('#state dd.number').innerText()).trim();
  const before = await pid(second);
  assert.match(before, /^\d+$/, 'the page shows the pid');
  // It hears of events from now on; a page that is not in front is not asked by its frames.
  await second.waitForFunction(() => document.documentElement.dataset.live === 'on', null, { polling: 100 });
  await page.bringToFront();
  await row(page).getByRole('button', { name: /restart/i }).click();
  await second.waitForFunction(
    before => { const shown = document.querySelector('#state dd.number')?.textContent ?? ''; return /\d/.test(shown) && !shown.includes(before); },
    before, { timeout: 20000, polling: 100 });
  await second.close();
  await page.goto(`${base}/control/`);
  await page.waitForSelector('text=camera');

  // Stopped, and started again by the offer to undo it.
  await page.waitForFunction(() => document.documentElement.dataset.live === 'on', null, { polling: 100 });
  await row(page).getByRole('button', { name: /^stop/i }).click();
  await page.locator('#notice').getByRole('button', { name: 'Undo' }).click({ timeout: 5000 });
  await row(page).getByText('running').waitFor();
  // A crash, and why.
  const crashed = page.getByRole('row').filter({ has: page.getByRole('link', { name: 'feeder', exact: true }) });
  await crashed.getByRole('link', { name: /Why/ }).click();
  await page.getByText('command not found (exit code 127)').first().waitFor();
  await page.getByText('pyhton3: no such program').waitFor();
  await check('why');
  // The keyboard: to the home page, its filter, and the list of keys.
  await page.keyboard.press('g');
  await page.keyboard.press('h');
  await page.waitForURL(`${base}/control/`);
  await page.keyboard.press('/');
  await page.keyboard.type('feed');
  await row(page).waitFor({ state: 'hidden' });
  await page.keyboard.press('Escape');
  await page.locator('h2').first().click();
  await page.keyboard.press('?');
  await page.locator('dialog#keys[open]').waitFor();
  await page.keyboard.press('Escape');
  // Language and theme are chosen by a press, and kept.
  await page.getByRole('button', { name: 'Polski' }).click();
  await page.locator('html[lang=pl]').waitFor();
  await page.getByRole('button', { name: 'Ciemny' }).click();
  await page.locator('html[data-theme=dark]').waitFor();
  // Every page in both themes and languages.
  const pages = JSON.parse(readFileSync(new URL('pages.json', import.meta.url), 'utf8'));
  for (const lang of ['pl', 'en']) {
    for (const theme of ['dark', 'light']) {
      await context.addCookies([['lang', lang], ['theme', theme]].map(([name, value]) => ({ name, value, domain: new URL(base).hostname, path: '/control/' })));
      for (const [name, path] of Object.entries(pages)) {
        await page.goto(`${base}/control${path}`);
        await page.locator(`html[lang=${lang}][data-theme=${theme}]`).waitFor();
        await inspect(`${name}-${theme}-${lang}`);
      }
    }
  }
  await context.addCookies([{ name: 'theme', value: 'auto', domain: new URL(base).hostname, path: '/control/' }]);

  for (const scheme of ['light', 'dark']) {
    for (const [size, width] of [['wide', 1280], ['phone', 390]]) {
      await page.emulateMedia({ colorScheme: scheme });
      await page.setViewportSize({ width, height: 844 });
      await page.goto(`${base}/control/`);
      await page.waitForSelector('text=camera');
      await check(`home-${scheme}-${size}`);
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      assert.ok(overflow <= 0, `home-${scheme}-${size} scrolls sideways by ${overflow} px`);
    }
  }
  // The second factor: turned on by the code of an authenticator (RFC 6238), then asked for at sign-in.
  await page.setViewportSize({ width: 1280, height: 900 });
  await page.goto(`${base}/control/account`);
  await page.getByRole('button', { name: 'Turn on' }).click();
  await page.waitForSelector('.qr svg');
  await check('second-factor');
  const secret = (await page.locator('.secret').innerText()).trim();
  await page.locator('input[name=code]').fill(totp(secret, Date.now() / 1000));
  await page.locator('form:has(input[name=code]) button').click();
  await page.waitForSelector('.once');
  const recovery = await page.locator('.once code').allInnerTexts();
  assert.ok(recovery.length >= 8 && new Set(recovery).size === recovery.length, `recovery codes ${recovery}`);
  const elsewhere = await browser.newContext({ ignoreHTTPSErrors: true, locale: 'pl-PL', viewport: { width: 390, height: 844 } });
  const phone = await elsewhere.newPage();
  await phone.goto(`${base}/control/account`);
  await phone.locator('input[name=name]').fill('root');
  await phone.locator('input[name=password]').fill('correct-horse-battery');
  await phone.locator('form:has(input[name=password]) button.primary').click();
  await phone.waitForSelector('input[name=otp]');
  await phone.locator('input[name=otp]').fill('000000');
  await phone.locator('form:has(input[name=otp]) button.primary').click();
  await phone.waitForSelector('[role=alert]');
  await phone.locator('input[name=otp]').fill(recovery[0]);
  await phone.locator('form:has(input[name=otp]) button.primary').click();
  await phone.waitForSelector('h1:has-text("Twoje konto")');
  for (const scheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme: scheme });
    await page.goto(`${base}/control/account`);
    await check(`account-${scheme}`);
    await page.goto(`${base}/control/audit`);
    await page.waitForSelector('code:has-text("second_factor.on")');
    await check(`audit-${scheme}`);
  }
  // Signed out from here, the phone's open page leads to the sign-in form by itself.
  await phone.goto(`${base}/control/`);
  await phone.waitForFunction(() => document.documentElement.dataset.live === 'on', null, { polling: 100 });
  await page.goto(`${base}/control/account`);
  await page.getByRole('button', { name: 'Sign out all others' }).click();
  const revoked = Date.now();
  await phone.waitForURL(/login/, { timeout: 10000 });
  assert.ok(Date.now() - revoked < 2000, `the other session was in for ${Date.now() - revoked} ms`);
  await elsewhere.close();

  // A worker's script is not fetched past a certificate that the browser does not trust, whatever the context says.
  assert.deepEqual(complaints.filter(text => !/401|Unauthorized|SSL certificate error occurred when fetching the script/.test(text)), []);
  console.log('all steps done');
} finally {
  await browser.close();
}
