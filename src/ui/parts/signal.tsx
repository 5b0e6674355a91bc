import type { Aspect } from '../lib/health.ts';

const LAMPS = ['clear', 'caution', 'danger'] as const;

/** A color-light signal. The lamp's position means the same as its color, and the text beside it repeats both. */
export function Signal({ aspect, size = 'small' }: { readonly aspect: Aspect; readonly size?: 'small' | 'large' }) {
  return (
    <svg class={`signal signal-${size}`} viewBox="0 0 20 48" aria-hidden="true">
      <rect class="signal-head" x="1" y="1" width="18" height="46" rx="9" />
      {LAMPS.map((lamp, index) => (
        <g key={lamp} class={lamp === aspect ? `lamp lit lit-${lamp}` : 'lamp'}>
          <circle class="lamp-glow" cx="10" cy={10 + index * 14} r="7.5" />
          <circle class="lamp-glass" cx="10" cy={10 + index * 14} r="4.6" />
        </g>
      ))}
    </svg>
  );
}

/** The same signal inline in text. */
export function Lamp({ aspect }: { readonly aspect: Aspect }) {
  return <span class={`dot dot-${aspect}`} aria-hidden="true" />;
}
