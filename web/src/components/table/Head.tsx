import { Provenance } from "@/components/marks";
import { direction, nextSort, type Column } from "./columns";
import styles from "./table.module.css";

interface Props<Row> {
  columns: readonly Column<Row>[];
  sort: string;
  onSort: ((sort: string) => void) | undefined;
}

/** The headings; those that sort are buttons. */
export function Head<Row>({ columns, sort, onSort }: Props<Row>) {
  return (
    <thead>
      <tr aria-rowindex={1}>
        {columns.map((column) => (
          <Heading key={column.id} column={column} sort={sort} onSort={onSort} />
        ))}
      </tr>
    </thead>
  );
}

function Heading<Row>({ column, sort, onSort }: { column: Column<Row> } & Omit<Props<Row>, "columns">) {
  const now = direction(column, sort);
  const sorts = column.sort !== undefined && onSort !== undefined;
  const classes = [
    styles.head,
    column.align === "end" ? styles.end : "",
    now === "none" ? "" : styles.sorted,
  ];
  const label = (
    <>
      {column.mark ? <Provenance of={column.mark} /> : null}
      {column.head}
    </>
  );
  return (
    <th scope="col" className={classes.join(" ")} aria-sort={sorts ? now : undefined}>
      {sorts ? (
        <button type="button" className={styles.sort} onClick={() => onSort(nextSort(column, sort))}>
          {label}
          {now === "none" ? null : <span aria-hidden>{now === "ascending" ? "↑" : "↓"}</span>}
        </button>
      ) : (
        <span className={styles.label}>{label}</span>
      )}
    </th>
  );
}
