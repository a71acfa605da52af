// Choices side by side: `Tabs` go to addresses, `Choice` picks one of a few on the spot.
import type { ReactNode } from "react";
import { NavLink, type To } from "react-router";
import styles from "./Tabs.module.css";

interface Tab {
  to: To;
  label: ReactNode;
  /** Lit only at exactly this address. */
  end?: boolean;
}

export function Tabs({ label, tabs }: { label: string; tabs: readonly Tab[] }) {
  return (
    <nav className={styles.tabs} aria-label={label}>
      {tabs.map(({ to, label: name, end }) => (
        <NavLink key={typeof to === "string" ? to : (to.pathname ?? "")} to={to} end={end ?? false}>
          {name}
        </NavLink>
      ))}
    </nav>
  );
}

interface ChoiceProps<T extends string> {
  label: string;
  value: T;
  set: (value: T) => void;
  options: readonly { value: T; label: ReactNode; title?: string }[];
  small?: boolean;
}

/** One of a few, as buttons in a row. Arrow keys move, as among radio buttons. */
export function Choice<T extends string>({ label, value, set, options, small = false }: ChoiceProps<T>) {
  const move = (event: React.KeyboardEvent<HTMLDivElement>) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const at = options.findIndex((option) => option.value === value);
    const next = (at + step + options.length) % options.length;
    const wanted = options[next];
    if (wanted) set(wanted.value);
    (event.currentTarget.children[next] as HTMLElement | undefined)?.focus();
  };
  return (
    <div
      className={`${styles.choice} ${small ? styles.small : ""}`}
      role="radiogroup"
      aria-label={label}
      onKeyDown={move}
    >
      {options.map((option) => (
        <button
          key={option.value}
          type="button"
          role="radio"
          aria-checked={option.value === value}
          tabIndex={option.value === value ? 0 : -1}
          title={option.title}
          onClick={() => set(option.value)}
        >
          {option.label}
        </button>
      ))}
    </div>
  );
}
