import type { Aspect } from './lib/health.ts';

const LAMPS = [
  ['clear', 8, '#3ddc84'],
  ['caution', 16, '#ffb52e'],
  ['danger', 24, '#ff5b4d'],
] as const;

/** The signal in the tab of the browser shows what that of the page shows. */
export function showInTab(aspect: Aspect): void {
  const lamps = LAMPS.map(
    ([lamp, y, color]) => `<circle cx="16" cy="${y}" r="4" fill="${lamp === aspect ? color : '#4a544e'}"/>`,
  );
  const head = '<rect x="9" y="1" width="14" height="30" rx="7" fill="#1b2420"/>';
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">${head}${lamps.join('')}</svg>`;
  document.querySelector<HTMLLinkElement>('link[rel=icon]')!.href = `data:image/svg+xml,${encodeURIComponent(svg)}`;
}
