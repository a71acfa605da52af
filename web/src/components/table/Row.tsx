import { memo, type MouseEvent, type ReactNode } from "react";
import { Link, useNavigate } from "react-router";
import type { Column } from "./columns";
import styles from "./table.module.css";

interface Props<Item> {
  row: Item;
  index: number;
  columns: readonly Column<Item>[];
  /** Whether `Tab` stops here. */
  active: boolean;
  href: ((row: Item) => string) | undefined;
  onOpen: ((row: Item) => void) | undefined;
  selected: ((row: Item) => boolean) | undefined;
}

function Drawn<Item>({ row, index, columns, active, href, onOpen, selected }: Props<Item>) {
  const navigate = useNavigate();
  const path = href?.(row);
  const opens = path !== undefined || onOpen !== undefined;
  const stop = active ? 0 : -1;
  const open = (event: MouseEvent) => {
    if (!opens || isControl(event.target) || hasSelection()) return;
    if (path === undefined) onOpen?.(row);
    else if (event.ctrlKey || event.metaKey || event.button === 1) window.open(path, "_blank", "noopener");
    else void navigate(path);
  };
  const classes = [styles.row, opens ? styles.opens : "", selected?.(row) ? styles.selected : ""];
  return (
    <tr
      className={classes.join(" ")}
      aria-rowindex={index + 2}
      onClick={open}
      onAuxClick={(event) => (event.button === 1 ? open(event) : undefined)}
    >
      {columns.map((column, place) => (
        <Cell key={column.id} head={place === 0} end={column.align === "end"}>
          {place === 0
            ? entrance(column.cell(row), index, stop, path, onOpen && (() => onOpen(row)))
            : column.cell(row)}
        </Cell>
      ))}
    </tr>
  );
}

/** A row; drawn again only when something about it changes. */
export const Row = memo(Drawn) as typeof Drawn;

function entrance(
  content: ReactNode,
  index: number,
  tabIndex: number,
  path: string | undefined,
  open: (() => void) | undefined,
): ReactNode {
  if (path !== undefined) {
    return (
      <Link to={path} tabIndex={tabIndex} data-focus={index}>
        {content}
      </Link>
    );
  }
  if (open) {
    return (
      <button type="button" className={styles.opener} tabIndex={tabIndex} data-focus={index} onClick={open}>
        {content}
      </button>
    );
  }
  return (
    <span tabIndex={tabIndex} data-focus={index}>
      {content}
    </span>
  );
}

function Cell({ head, end, children }: { head: boolean; end: boolean; children: ReactNode }) {
  const classes = end ? styles.end : undefined;
  return head ? (
    <th scope="row" className={classes}>
      {children}
    </th>
  ) : (
    <td className={classes}>{children}</td>
  );
}

/** A row that is not here yet. */
export function WaitingRow<Item>({ index, columns }: { index: number; columns: readonly Column<Item>[] }) {
  return (
    <tr className={styles.row} aria-rowindex={index + 2} aria-busy>
      {columns.map((column) => (
        <td key={column.id} className={column.align === "end" ? styles.end : undefined}>
          <span className={styles.waiting} />
        </td>
      ))}
    </tr>
  );
}

function isControl(target: EventTarget): boolean {
  return target instanceof Element && target.closest("a, button, input, select, label, summary") !== null;
}

function hasSelection(): boolean {
  return (window.getSelection()?.toString() ?? "") !== "";
}
