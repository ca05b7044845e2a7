/** The icons: drawn with one stroke in a square of 20, as wide as the text is high. */
const PATHS = {
  board: 'M3 4.5h14v11H3zM6 8h8M6 11.5h5',
  query: 'M7 6l-4 4 4 4M13 6l4 4-4 4',
  graph: 'M5 5.5h0M15 5.5h0M10 15h0M6.6 5.5h6.8M5.8 7l3.4 6.4M14.2 7l-3.4 6.4M3.4 5.5a1.6 1.6 0 1 0 3.2 0 1.6 1.6 0 1 0-3.2 0M13.4 5.5a1.6 1.6 0 1 0 3.2 0 1.6 1.6 0 1 0-3.2 0M8.4 15a1.6 1.6 0 1 0 3.2 0 1.6 1.6 0 1 0-3.2 0',
  catalog: 'M4 4h5v5H4zM11 4h5v5h-5zM4 11h5v5H4zM11 11h5v5h-5z',
  status: 'M2.5 10.5h3.5l2-6 4 11 2-5h3.5',
  search: 'M9 3.5a5.5 5.5 0 1 0 0 11 5.5 5.5 0 1 0 0-11M13 13l4 4',
  key: 'M12.5 3.5a4 4 0 1 0 0 8 4 4 0 1 0 0-8M9.7 10.3L3.5 16.5M5.5 14.5l2 2',
  light: 'M10 6.5a3.5 3.5 0 1 0 0 7 3.5 3.5 0 1 0 0-7M10 2v1.5M10 16.5V18M2 10h1.5M16.5 10H18M4.3 4.3l1.1 1.1M14.6 14.6l1.1 1.1M4.3 15.7l1.1-1.1M14.6 5.4l1.1-1.1',
  dark: 'M16 11.8A6.5 6.5 0 0 1 8.2 4 6.5 6.5 0 1 0 16 11.8z',
  system: 'M3 4h14v9.5H3zM7 16.5h6M10 13.5v3',
  arrow: 'M4 10h12M11 5l5 5-5 5',
  out: 'M8 4H4v12h12v-4M11 4h5v5M16 4l-7 7',
  copy: 'M7 7h9v9H7zM4 13V4h9',
  check: 'M4 10.5l4 4 8-9',
  alert: 'M10 3.5l7.5 13h-15zM10 8.5v3.5M10 14.3v.2',
  clock: 'M10 3a7 7 0 1 0 0 14 7 7 0 1 0 0-14M10 6v4l3 2',
  close: 'M5 5l10 10M15 5L5 15',
  chevron: 'M7 4.5l5.5 5.5L7 15.5',
  share: 'M10 12.5v-9M6.5 6.5L10 3l3.5 3.5M4 11v5.5h12V11',
  list: 'M4 5.5h12M4 10h12M4 14.5h8',
  choices: 'M3.5 6h7M14.5 6h2M12.5 4v4M3.5 14h2M9.5 14h7M7.5 12v4',
  plus: 'M10 4v12M4 10h12',
  minus: 'M4 10h12',
  fit: 'M3.5 7.5v-4h4M12.5 3.5h4v4M16.5 12.5v4h-4M7.5 16.5h-4v-4',
  target: 'M10 5.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 1 0 0-9M10 2v3.5M10 14.5V18M2 10h3.5M14.5 10H18',
  download: 'M10 3.5v9M6.5 9l3.5 3.5L13.5 9M4 16.5h12',
  path: 'M5 4a1.8 1.8 0 1 0 0 3.6A1.8 1.8 0 1 0 5 4M15 12.4a1.8 1.8 0 1 0 0 3.6 1.8 1.8 0 1 0 0-3.6M6.8 5.8h6.2a2.2 2.2 0 0 1 0 4.4H7a2 2 0 0 0 0 4h6.2',
  ripple: 'M10 8.5a1.5 1.5 0 1 0 0 3 1.5 1.5 0 1 0 0-3M6.8 6.8a4.5 4.5 0 0 0 0 6.4M13.2 6.8a4.5 4.5 0 0 1 0 6.4M4.3 4.3a8 8 0 0 0 0 11.4M15.7 4.3a8 8 0 0 1 0 11.4',
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name, className }: { name: IconName; className?: string }) {
  return (
    <svg className={className ? `icon ${className}` : 'icon'} viewBox="0 0 20 20" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}
