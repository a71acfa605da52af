// Two upright cells linked like a chain: the measured one in ink, its twin in accent.

export function Logo({ size = 34 }: { size?: number }) {
  return (
    <svg
      width={size}
      height={size}
      viewBox="0 0 36 36"
      fill="none"
      strokeWidth="3"
      strokeLinecap="round"
      role="img"
    >
      <title>twinpack</title>
      <path
        d="M12.4 9H7.5A5 5 0 0 0 2.5 14v12a5 5 0 0 0 5 5h9a5 5 0 0 0 5-5V14M8.5 5.2h4"
        stroke="var(--ink)"
      />
      <path
        d="M14.5 26V14a5 5 0 0 1 5-5h9a5 5 0 0 1 5 5v12a5 5 0 0 1-5 5h-5M25.5 5.2h3.6"
        stroke="var(--accent)"
      />
    </svg>
  );
}

export function Wordmark() {
  return (
    <span style={{ fontSize: 20, fontWeight: 650, letterSpacing: "-0.02em" }}>
      twin<span style={{ color: "var(--accent)" }}>pack</span>
    </span>
  );
}
