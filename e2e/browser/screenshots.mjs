// Pictures of the pages of a running stack with the programs of `cargo xtask screenshots`, for the documentation.
// node screenshots.mjs BASE FOLDER all|docs PASSWORD
// docs: the few that are committed; all: every page, light and dark, wide and phone, in both languages.
import { chromium } from 'playwright-core';
import { readFileSync } from 'node:fs';

const [base, folder, which, password] = process.argv.slice(2);
const pages = {
  ...JSON.parse(readFileSync(new URL('pages.json', import.meta.url), 'utf8')),
  logs: '/logs?p=camera%3Acamera&p=garden%3Amoisture',
  rule: '/rules/rule/camera-down',
  keys: '/?',
};
const sizes = { wide: { width: 1280, height: 900 }, phone: { width: 360, height: 740 } };
const shots = [];
if (which === 'all') {
  for (const name of Object.keys(pages)) {
    for (const theme of ['light', 'dark']) {
      for (const size of Object.keys(sizes)) {
        for (const lang of ['pl', 'en']) shots.push({ file: `${name}-${theme}-${size}-${lang}`, name, theme, size, lang });
      }
    }
  }
} else {
  const shot = (name, theme, size, lang) => shots.push({ file: `${name}-${theme}${size === 'phone' ? '-phone' : ''}`, name, theme, size, lang });
  shot('home', 'light', 'wide', 'en');
  shot('home', 'dark', 'phone', 'pl');
  shot('why', 'light', 'wide', 'en');
  shot('metrics', 'dark', 'wide', 'en');
  shot('events', 'light', 'phone', 'en');
  shot('rule-form', 'light', 'wide', 'en');
  shot('gpio', 'light', 'wide', 'en');
  shot('system', 'dark', 'wide', 'en');
  shot('logs', 'light', 'wide', 'en');
  shot('logs', 'dark', 'phone', 'pl');
  shot('account', 'light', 'phone', 'pl');
}
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking'],
});
const open = async (options, storageState) => {
  const context = await browser.newContext({ ignoreHTTPSErrors: true, storageState, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(15000);
  return { context, page };
};
try {
  const { context, page } = await open({ locale: 'en', viewport: sizes.wide });
  await page.goto(`${base}/control/login`);
  await page.locator('input[name=name]').fill('root');
  await page.locator('input[name=password]').fill(password);
  await page.locator('form:has(input[name=password]) button.primary').click();
  await page.waitForURL(`${base}/control/`);
  const state = await context.storageState();
  // A few things to look at: people, a mail that waits, a program restarted, a lamp that is on.
  await page.evaluate(async () => {
    const post = async (path, fields) => {
      const answer = await fetch(`/control${path}`, { method: 'POST', body: new URLSearchParams(fields) });
      if (!answer.ok) throw new Error(`${path} answered ${answer.status}`);
    };
    await post('/access/add', { name: 'anna', level: 'Admin', password: 'correct-horse-battery', again: 'correct-horse-battery' });
    await post('/access/add', { name: 'tomek', level: 'User', password: 'correct-horse-battery', again: 'correct-horse-battery' });
    const form = await (await fetch('/control/mail/new')).text();
    await post('/mail/send', { key: form.match(/name="key" value="([^"]*)"/)[1], to: 'anna@example.org', subject: 'The garden this week', text: 'Dry: 41 %.' });
    await post('/programs/garden%3Apump/control', { do: 'restart', back: '/' });
    await post('/gpio/lines/lamp', { do: 'toggle' });
  });
  const wrong = [];
  for (const { file, name, theme, size, lang } of shots) {
    const { context, page } = await open({ viewport: sizes[size], locale: lang }, state);
    const hostname = new URL(base).hostname;
    await context.addCookies([['lang', lang], ['theme', theme]].map(([name, value]) => ({ name, value, domain: hostname, path: '/control/' })));
    await page.goto(`${base}/control${pages[name]}`);
    await page.locator('h1').first().waitFor({ state: 'attached' });
    await page.evaluate(() => document.fonts.ready);
    if (await page.locator('.chart, [data-source]').count()) await page.locator('.uplot').first().waitFor({ timeout: 3000 }).catch(() => {});
    if (name === 'keys') await page.keyboard.press('?');
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    if (wide > 0) wrong.push(`${file} scrolls sideways by ${wide} px`);
    await page.screenshot({ path: `${folder}/${file}.png`, fullPage: which === 'all' && name !== 'keys' });
    await context.close();
  }
  if (wrong.length) throw new Error(wrong.join('\n'));
  console.log(`${shots.length} pictures`);
} finally {
  await browser.close();
}
