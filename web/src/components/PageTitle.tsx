// The row over a page: title, one line of facts, then filters, then export, then at most one filled button.
import { useEffect, type ReactNode } from "react";
import styles from "./PageTitle.module.css";

interface Props {
  title: string;
  facts?: ReactNode;
  children?: ReactNode;
}

/** Name the page in the browser's tab. */
export function useDocumentTitle(title: string): void {
  useEffect(() => {
    document.title = title ? `${title} · twinpack` : "twinpack";
  }, [title]);
}

export function PageTitle({ title, facts, children }: Props) {
  useDocumentTitle(title);
  return (
    <div className={styles.row}>
      <h1>{title}</h1>
      {facts !== undefined && <p className={styles.facts}>{facts}</p>}
      {children && <div className={styles.actions}>{children}</div>}
    </div>
  );
}
