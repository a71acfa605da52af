// The left of the top bar says where one is; a page fills it.
import { useEffect, useState, type ReactNode } from "react";
import { createPortal } from "react-dom";
import { Link } from "react-router";
import styles from "./TopBar.module.css";

export const SLOT = "page-bar";

/** Put something of a page's own into the top bar. */
export function PageBar({ children }: { children: ReactNode }) {
  const [slot, setSlot] = useState<Element | null>(null);
  useEffect(() => setSlot(document.getElementById(SLOT)), []);
  return slot && createPortal(children, slot);
}

/** Where one is: the ways back, and the page itself. */
export function Crumbs({
  trail = [],
  here,
}: {
  trail?: readonly { to: string; label: string }[];
  here: string;
}) {
  return (
    <PageBar>
      <nav aria-label="Where I am" className={styles.crumbs}>
        {trail.map(({ to, label }) => (
          <span key={to}>
            <Link to={to}>{label}</Link>
            <span aria-hidden="true"> / </span>
          </span>
        ))}
        <b aria-current="page">{here}</b>
      </nav>
    </PageBar>
  );
}
