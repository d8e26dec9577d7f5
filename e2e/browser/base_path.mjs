// The dashboard below a path of another web server: every address that the browser asks for is below it.
// node base_path.mjs BASE
import { chromium } from 'playwright-core';
import { readFileSync } from 'node:fs';
import assert from 'node:assert/strict';

const [base] = process.argv.slice(2);
const path = new URL(base).pathname;
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
});
const complaints = [];
const watch = page => {
  page.on('pageerror', error => complaints.push(`${page.url()}: ${error}`));
  page.on('request', request => {
    const url = request.url();
    if (!url.startsWith(`${base}/`) && !url.startsWith('data:')) complaints.push(`${page.url()} asks for ${url}`);
  });
  page.on('response', answer => {
    if (answer.status() >= 400) complaints.push(`${answer.status()} for ${answer.url()}`);
  });
};
const signIn = async page => {
  await page.locator('input[name=name]').fill('root');
  await page.locator('input[name=password]').fill('correct-horse-battery');
  await page.locator('form:has(input[name=password]) button.primary').click();
};
try {
  const context = await browser.newContext({ ignoreHTTPSErrors: true, locale: 'en-GB', viewport: { width: 1280, height: 900 } });
  const page = await context.newPage();
  page.setDefaultTimeout(10000);
  watch(page);
  // The gateway's own redirects, then the way back to the page that was wanted.
  await page.goto(`${base}/`);
  assert.equal(page.url(), `${base}/control/login`);
  await page.goto(`${base}/control/programs/camera%3Acamera/history?x=1`);
  assert.match(page.url(), new RegExp(`${path}/control/login\\?next=`));
  await signIn(page);
  await page.waitForURL(url => decodeURIComponent(url.href) === `${base}/control/programs/camera:camera/history?x=1`);
  await page.goto(`${base}/control`);
  assert.equal(page.url(), `${base}/control/`);
  await page.waitForSelector('text=camera');

  // Live, and a form: stopped, and started again.
  const live = () => page.waitForFunction(() => document.documentElement.dataset.live === 'on', null, { polling: 100 });
  const row = page.getByRole('row').filter({ has: page.getByRole('link', { name: 'camera', exact: true }) });
  await live();
  await row.getByRole('button', { name: /^stop/i }).click();
  await page.locator('#notice').getByRole('button', { name: 'Undo' }).click({ timeout: 5000 });
  await row.getByText('running').waitFor();

  // Choices: cookies below the path, the session for the host.
  await page.getByRole('button', { name: 'Polski' }).click();
  await page.locator('html[lang=pl]').waitFor();
  assert.ok(page.url().startsWith(`${base}/control/`), page.url());
  await page.getByRole('button', { name: 'English' }).click();
  await page.locator('html[lang=en]').waitFor();
  const cookies = await context.cookies();
  assert.equal(cookies.find(cookie => cookie.name === 'lang').path, `${path}/control/`);
  assert.equal(cookies.find(cookie => cookie.name === '__Host-pistack').path, '/');

  // Every page with all that belongs to it, and every link on it.
  const pages = JSON.parse(readFileSync(new URL('pages.json', import.meta.url), 'utf8'));
  for (const [name, address] of Object.entries(pages)) {
    // Programs of these names are made-up ones of the preview.
    if (address.startsWith('/programs/feeder')) continue;
    await page.goto(`${base}/control${address}`);
    await page.locator('h1').first().waitFor({ state: 'attached' });
    // The root certificate is had on the plain port of the board itself.
    const strays = await page.evaluate(base => [...document.querySelectorAll('a[href], form[action], link[href], script[src]')]
      .map(element => element.href || element.action || element.src)
      .filter(url => url && !String(url).startsWith(`${base}/`) && !/^http:.*[/]ca[/]$/.test(String(url))), base);
    assert.deepEqual(strays, [], `addresses of ${name}`);
  }
  // Swagger UI asks the services beside the dashboard.
  await page.goto(`${base}/control/apis/try?service=info`);
  await page.locator('.opblock').first().waitFor();

  // Without JavaScript.
  const plain = await browser.newContext({ ignoreHTTPSErrors: true, javaScriptEnabled: false, locale: 'en-GB' });
  const simple = await plain.newPage();
  watch(simple);
  await simple.goto(`${base}/control/gpio`);
  await signIn(simple);
  assert.equal(simple.url(), `${base}/control/gpio`);
  await simple.goto(`${base}/control/programs/camera%3Acamera`);
  const pid = async () => (await simple.locator('#state dd.number').innerText()).trim();
  const before = await pid();
  await simple.getByRole('button', { name: /restart/i }).first().click();
  assert.ok(simple.url().startsWith(`${base}/control/programs/camera`), simple.url());
  assert.notEqual(await pid(), before);
  await simple.getByRole('button', { name: 'Sign out' }).first().click();
  assert.equal(simple.url(), `${base}/control/login`);

  assert.deepEqual(complaints, []);
  console.log('all steps done');
} catch (error) {
  for (const page of browser.contexts().flatMap(context => context.pages())) {
    console.log(page.url(), (await page.locator('main').innerText().catch(() => '')).slice(0, 500));
  }
  console.log(complaints);
  throw error;
} finally {
  await browser.close();
}
