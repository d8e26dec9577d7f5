// Pictures of the pages of a dashboard that needs no login (the example `preview`), for the documentation.
// node screenshots.mjs BASE FOLDER all|docs
// docs: the few that are committed; all: every page, light and dark, wide and phone, in both languages.
import { chromium } from 'playwright-core';
import { readFileSync } from 'node:fs';

const [base, folder, which] = process.argv.slice(2);
const pages = JSON.parse(readFileSync(new URL('pages.json', import.meta.url), 'utf8'));
const sizes = { wide: { width: 1280, height: 900 }, phone: { width: 390, height: 844 } };
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
  shots.push(
    { file: 'home-light', name: 'home', theme: 'light', size: 'wide', lang: 'en' },
    { file: 'home-dark-phone', name: 'home', theme: 'dark', size: 'phone', lang: 'pl' },
    { file: 'why-light', name: 'why', theme: 'light', size: 'wide', lang: 'en' },
    { file: 'metrics-dark', name: 'metrics', theme: 'dark', size: 'wide', lang: 'en' },
    { file: 'gpio-light', name: 'gpio', theme: 'light', size: 'wide', lang: 'en' },
    { file: 'system-dark', name: 'system', theme: 'dark', size: 'wide', lang: 'en' },
  );
}
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking'],
});
try {
  for (const { file, name, theme, size, lang } of shots) {
    const context = await browser.newContext({ viewport: sizes[size], locale: lang });
    const page = await context.newPage();
    await page.goto(`${base}${pages[name]}${pages[name].includes('?') ? '&' : '?'}lang=${lang}&theme=${theme}`);
    await page.locator('h1').first().waitFor({ state: 'attached' });
    await page.evaluate(() => document.fonts.ready);
    await page.screenshot({ path: `${folder}/${file}.png` });
    await context.close();
  }
  console.log(`${shots.length} pictures`);
} finally {
  await browser.close();
}
