// Small pictures, drawn with the text's colour. They stand beside a word or have a spoken name.

const PATHS = {
  fleet: "M4 14v-4M8 14V5M12 14v-3M16 14V7",
  bell: "M5.5 13.5h9l-1.2-1.8V8.6a3.3 3.3 0 0 0-6.6 0v3.1zM8.6 16h2.8",
  whatif: "M3 15h13M4 13c4 0 6-2 10-7M11 5h4v4",
  data: "M4 5.5C4 4.1 6.7 3 10 3s6 1.1 6 2.5S13.3 8 10 8 4 6.9 4 5.5v9C4 15.9 6.7 17 10 17s6-1.1 6-2.5v-9M4 10c0 1.4 2.7 2.5 6 2.5s6-1.1 6-2.5",
  settings: "M3 6h5M12 6h5M3 14h8M15 14h2M8 4.2h4v3.6H8zM11 12.2h4v3.6h-4z",
  search: "M8.7 14.2a5.5 5.5 0 1 0 0-11 5.5 5.5 0 0 0 0 11M12.8 12.8L17 17",
  moon: "M15.8 12A6.4 6.4 0 0 1 8 4.2 6.4 6.4 0 1 0 15.8 12z",
  sun: "M10 13.2a3.2 3.2 0 1 0 0-6.4 3.2 3.2 0 0 0 0 6.4M10 2.5v1.7M10 15.8v1.7M2.5 10h1.7M15.8 10h1.7M4.7 4.7l1.2 1.2M14.1 14.1l1.2 1.2M4.7 15.3l1.2-1.2M14.1 5.9l1.2-1.2",
  system: "M3 4.5h14v9H3zM7.5 16.5h5M10 13.5v3",
  download: "M10 3.5v8.5M6.5 8.8L10 12.2l3.5-3.4M4 16h12",
  check: "M4.5 10.5l3.5 3.5 7.5-8",
  clock: "M10 17a7 7 0 1 0 0-14 7 7 0 0 0 0 14M10 6.2V10l2.6 1.6",
  leaf: "M5 15c0-6 3.5-9.5 10.5-10 .3 7-3 10.3-8.8 9.5M5 16.5c.8-3.5 2.7-5.8 5.8-7.3",
  close: "M5 5l10 10M15 5L5 15",
  chevron: "M5.5 8l4.5 4.5L14.5 8",
  back: "M11.5 4.5L6 10l5.5 5.5",
  more: "M4.6 10h.1M10 10h.1M15.4 10h.1",
  battery: "M3 7h12v6H3zM17 9v2",
  bolt: "M11 2.5L5 11.5h4.5L8.5 17.5 15 8.3h-4.6z",
  car: "M3 14.5v-4l1.8-5h10.4l1.8 5v4zM3 10.5h14M5.5 14.5v1.6M14.5 14.5v1.6M6 12.5h.1M14 12.5h.1",
  share:
    "M6 10l7.5-4M6 10l7.5 4M4.6 11.8a1.9 1.9 0 1 0 0-3.8 1.9 1.9 0 0 0 0 3.8M15.2 7a1.9 1.9 0 1 0 0-3.8 1.9 1.9 0 0 0 0 3.8M15.2 16.8a1.9 1.9 0 1 0 0-3.8 1.9 1.9 0 0 0 0 3.8",
  plus: "M10 4v12M4 10h12",
  user: "M10 10.2a3.2 3.2 0 1 0 0-6.4 3.2 3.2 0 0 0 0 6.4M4 16.5c.6-2.9 2.9-4.4 6-4.4s5.4 1.5 6 4.4",
  key: "M7 13.5a3.2 3.2 0 1 0 0-6.4 3.2 3.2 0 0 0 0 6.4M10 10.3h7M14.5 10.3v2.6",
  history: "M4 10a6.3 6.3 0 1 0 1.9-4.5L4 7.3M4 3.7v3.6h3.6M10 6.8V10l2.4 1.5",
  file: "M5 3h6.5L15 6.5V17H5zM11.5 3v3.5H15M7.5 10h5M7.5 13h5",
  wrench: "M12 3.6a4 4 0 0 0-3.6 5.7l-5 5 2.3 2.3 5-5A4 4 0 0 0 16.3 8l-2.4 2.2-2-2z",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name, size = 18 }: { name: IconName; size?: number }) {
  const dots = name === "more";
  return (
    <svg width={size} height={size} viewBox="0 0 20 20" fill="none" aria-hidden="true" focusable="false">
      <path
        d={PATHS[name]}
        stroke="currentColor"
        strokeWidth={dots ? 2.6 : 1.5}
        strokeLinecap="round"
        strokeLinejoin="round"
      />
    </svg>
  );
}
