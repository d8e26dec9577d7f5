// GPIO on two browsers, System with charts, weather, an account made and signed in with, Settings, Swagger UI; axe on every
// page in both themes and languages; phone size; the weight of each page.
// node board.mjs BASE PASSWORD FOLDER
import { chromium } from 'playwright-core';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import assert from 'node:assert/strict';

const [base, password, folder] = process.argv.slice(2);
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
});
const complaints = [];
const watch = page => {
  page.on('pageerror', error => complaints.push(`${page.url()}: ${error}`));
  page.on('console', message => { if (message.type() === 'error') complaints.push(`${page.url()}: ${message.text()}`); });
  page.on('request', request => { if (!request.url().startsWith(base) && !request.url().startsWith('data:') && !request.url().startsWith('blob:')) complaints.push(`outside request ${request.url()}`); });
};
const open = async (locale, viewport) => {
  const context = await browser.newContext({ ignoreHTTPSErrors: true, locale, viewport });
  const page = await context.newPage();
  watch(page);
  return page;
};
const signIn = async (page, name, secret) => {
  await page.goto(`${base}/control/login`);
  await page.locator('input[name=name]').fill(name);
  await page.locator('input[name=password]').fill(secret);
  await page.locator('form:has(input[name=password]) button.primary').click();
  await page.waitForURL(url => !/login/.test(url.pathname));
};
const look = async (page, name) => {
  await page.screenshot({ path: `${folder}/${name}.png`, fullPage: true });
  await page.evaluate(axe); // by the debugging protocol: the page's own policy allows no foreign script
  const { violations } = await page.evaluate(() => globalThis.axe.run());
  assert.deepEqual(violations.map(v => `${v.id}: ${v.nodes.map(n => `${n.target} ${n.any?.[0]?.message ?? ''}`).join(' | ')}`), [], `axe on ${name}`);
  const overflow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  assert.ok(overflow <= 0, `${name} scrolls sideways by ${overflow} px`);
};

try {
  const wide = { width: 1280, height: 900 };
  const page = await open('en-GB', wide);
  await signIn(page, 'root', password);

  // GPIO: a second browser sees the change, in the table and on the drawn header, without a reload.
  const second = await open('pl-PL', { width: 360, height: 800 });
  await signIn(second, 'root', password);
  const live = where => where.waitForFunction(() => document.documentElement.dataset.live === 'on', null, { polling: 100 });
  await second.goto(`${base}/control/gpio`);
  await live(second);
  await page.goto(`${base}/control/gpio`);
  await live(page);
  const row = where => where.getByRole('row').filter({ hasText: 'relay' }).first();
  const shows = (where, word) => where.waitForFunction(word => {
    const rows = [...document.querySelectorAll('tr[id^=line]')].filter(row => row.textContent.includes('relay'));
    const pin = document.getElementById('pin-11');
    return rows.some(row => row.querySelector('.state').classList.contains(word)) && pin.classList.contains(word);
  }, word, { timeout: 5000, polling: 50 });
  await shows(second, 'off');
  const began = Date.now();
  await row(page).getByRole('button', { name: /^Toggle/ }).click();
  await shows(second, 'on');
  console.log(`toggle seen on the second browser after ${Date.now() - began} ms`);
  await shows(page, 'on');
  await page.getByText('Pulse and PWM').click();
  await page.locator('#pulse-line').selectOption('lamp');
  await page.locator('#pulse-ms').fill('60000');
  await page.getByRole('button', { name: 'Send the pulse' }).click();
  await second.waitForFunction(() => /na chwilę/.test(document.body.textContent), null, { timeout: 5000, polling: 50 });
  await page.evaluate(() => scrollTo(0, 0)); // from below the head, which stays
  await page.getByRole('row').filter({ hasText: 'lamp' }).first().getByRole('button', { name: /^End/ }).click();
  await second.waitForFunction(() => !/na chwilę/.test(document.body.textContent), null, { timeout: 5000, polling: 50 });
  await page.locator('#pwm-line').selectOption('lamp');
  await page.getByRole('button', { name: 'Start PWM' }).click();
  await second.waitForFunction(() => /PWM 50%/.test(document.body.textContent), null, { timeout: 5000, polling: 50 });
  await page.locator('#pwm-freq').fill('99999');
  await page.getByRole('button', { name: 'Start PWM' }).click();
  await page.waitForSelector('#notice .note.bad');
  await page.evaluate(() => scrollTo(0, 0)); // from below the head, which stays
  await page.getByRole('row').filter({ hasText: 'lamp' }).first().getByRole('button', { name: /^Turn off/ }).click();
  await second.waitForFunction(() => !/PWM 50%/.test(document.body.textContent), null, { timeout: 5000, polling: 50 });
  await page.evaluate(() => scrollTo(0, 0));
  // The emergency stop: asked for, done, seen, released.
  await page.getByRole('button', { name: 'Emergency stop' }).click();
  await page.locator('form:has(input[name=sure]) button.danger').click();
  await page.waitForSelector('#stop .note.bad');
  await second.waitForSelector('#stop .note.bad', { timeout: 5000 });
  await row(page).getByRole('button', { name: /^Toggle/ }).click();
  await page.waitForSelector('#notice .note.bad');
  await page.getByRole('button', { name: 'Release' }).click();
  await page.locator('form:has(input[name=sure]) button.primary').click();
  await page.waitForSelector('#stop button.danger');

  // Somebody is added, and signs in elsewhere; sees what the level gives and nothing else.
  await page.goto(`${base}/control/access`);
  await page.getByText('Add somebody').first().click();
  await page.locator('#new-name').fill('<b>anna</b>');
  await page.locator('#new-password').fill('correct-horse-battery');
  await page.locator('form:has(#new-name) button.primary').click();
  await page.waitForSelector('.note.ok');
  const anna = await open('en-GB', wide);
  await signIn(anna, '<b>anna</b>', 'correct-horse-battery');
  await anna.goto(`${base}/control/access`);
  await anna.waitForSelector('text=403');
  await page.getByRole('link', { name: '<b>anna</b>' }).click();
  await page.locator('input[value="process:*:read"]').check();
  await page.getByRole('button', { name: 'Save the rights' }).click();
  await page.waitForSelector('.note.ok');
  assert.ok(await page.locator('input[value="process:*:read"]').isChecked());
  await page.getByRole('button', { name: 'Sign out everywhere' }).click();
  await page.waitForSelector('.note.ok');
  const deadline = Date.now() + 2000;
  while (!/login/.test(anna.url())) {
    assert.ok(Date.now() < deadline, 'the session that was ended is still in after 2 s');
    await anna.goto(`${base}/control/`);
  }
  const person = new URL(page.url()).pathname.replace(/^\/control/, '');

  // A copy of the accounts now; a test message that cannot go out says so.
  await page.goto(`${base}/control/settings`);
  await page.getByRole('button', { name: 'Copy now' }).click();
  await page.waitForSelector('text=auth.000001.sqlite3');
  await page.getByRole('button', { name: /^Send test/ }).click();
  await page.waitForSelector('.note.bad[role=alert]');
  await page.waitForSelector('.qr svg');

  // Charts: the server's drawing, then uPlot's canvas in its place, for each range.
  for (const range of ['24h', '1h']) {
    await page.goto(`${base}/control/system?range=${range}`);
    if (await page.locator('figure[data-metrics]').count()) {
      await page.waitForFunction(() => [...document.querySelectorAll('figure[data-metrics]')].every(figure => figure.querySelector('canvas')), null, { timeout: 10000, polling: 100 });
    } else {
      assert.equal(range, '24h', 'an hour has something to draw');
    }
  }
  const still = await browser.newContext({ ignoreHTTPSErrors: true, javaScriptEnabled: false, viewport: wide, storageState: await page.context().storageState() });
  const plain = await still.newPage();
  await plain.goto(`${base}/control/system`);
  assert.ok(await plain.locator('figure .drawing path.line').count() > 0, 'drawn without JavaScript');
  assert.ok(await plain.locator('figure table.plain tbody tr').count() > 0, 'a table without JavaScript');
  await plain.goto(`${base}/control/gpio`);
  await plain.getByRole('row').filter({ hasText: 'relay' }).first().getByRole('button', { name: /Toggle/ }).click();
  await plain.waitForURL(/\/control\/gpio$/);
  await still.close();

  // The weather of the local provider.
  await page.goto(`${base}/control/weather`);
  await page.waitForSelector('text=Kraków');
  assert.match(await page.locator('.sky').innerText(), /-|−3\.5 °C/);
  assert.match(await page.locator('#weather a[rel]').getAttribute('href'), /^https:\/\//);

  // Swagger UI makes a call in the person's name.
  await page.goto(`${base}/control/apis/try?service=io`);
  await page.locator('.opblock-summary-path', { hasText: '/api/io/lines' }).first().click();
  await page.getByRole('button', { name: 'Execute' }).first().click();
  await page.waitForSelector('.live-responses-table .response-col_status:has-text("200")', { timeout: 10000 });

  const pages = ['/gpio', '/system', '/weather', '/access', person, '/settings', '/apis'];
  const name = path => path === person ? 'person' : path.slice(1);
  for (const lang of ['en', 'pl']) {
    await page.context().addCookies([{ name: 'lang', value: lang, url: `${base}/control/` }]);
    for (const scheme of ['light', 'dark']) {
      await page.emulateMedia({ colorScheme: scheme });
      for (const [size, width] of [['wide', 1280], ['phone', 360]]) {
        await page.setViewportSize({ width, height: 800 });
        for (const path of pages) {
          await page.goto(`${base}/control${path}`);
          if (path === '/system') await page.waitForSelector('figure canvas');
          await look(page, `${name(path)}-${lang}-${scheme}-${size}`);
        }
      }
    }
  }
  await page.setViewportSize(wide);
  await page.emulateMedia({ colorScheme: 'light' });
  await page.goto(`${base}/control/apis/try?service=io`);
  await page.waitForSelector('.opblock');
  await page.screenshot({ path: `${folder}/apis-try.png`, fullPage: false });

  // What a page takes over the network, script and style of its own included.
  for (const path of [...pages, '/apis/try']) {
    const fresh = await browser.newContext({ ignoreHTTPSErrors: true, viewport: wide, storageState: await page.context().storageState() });
    const one = await fresh.newPage();
    const network = await fresh.newCDPSession(one);
    await network.send('Network.enable');
    const kind = new Map(), weight = { code: 0, all: 0 };
    network.on('Network.responseReceived', ({ requestId, type }) => kind.set(requestId, type));
    network.on('Network.loadingFinished', ({ requestId, encodedDataLength }) => {
      weight.all += encodedDataLength;
      if (['Script', 'Stylesheet'].includes(kind.get(requestId))) weight.code += encodedDataLength;
    });
    await one.goto(`${base}/control${path}`, { waitUntil: 'load' });
    console.log(`weight of ${path === person ? '/access/{id}' : path}: JS and CSS ${(weight.code / 1000).toFixed(1)} kB, all ${(weight.all / 1000).toFixed(1)} kB`);
    if (path !== '/apis/try') assert.ok(weight.code <= 150_000, `${path} is too heavy: ${weight.code}`);
    await fresh.close();
  }

  assert.deepEqual(complaints.filter(text => !/40[139]|42[39]|Unauthorized|Forbidden|Conflict|Locked|fetching the script/.test(text)), []);
  console.log('all steps done');
} catch (error) {
  // What was to be seen when it failed.
  let number = 0;
  for (const context of browser.contexts()) for (const page of context.pages()) await page.screenshot({ path: `${folder}/failed-${number++}.png` }).catch(() => {});
  console.log(complaints.join('\n'));
  throw error;
} finally {
  await browser.close();
}
