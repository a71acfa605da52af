"""Extremely randomised trees with several outputs as plain arrays: grown by scikit-learn, stored as numbers, read here.

A tree cuts at random places and keeps the best of one cut a column (Geurts, Ernst and Wehenkel, "Extremely randomized
trees", 2006); the mean over trees is smooth where single ones are not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from twinpack.errors import LearningError

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int32]

_ROWS_AT_ONCE = 1024
_COLUMNS = 0.5
"""Share of the columns that are tried at a node."""

_DIGITS = 4
"""Significant digits of a stored number."""


@dataclass(frozen=True)
class Trees:
    """T trees of N nodes in all with K outputs.

    Attributes:
        root: First node of each tree, shape (T,).
        feature: Column that a node cuts by, -1 for a leaf, shape (N,).
        threshold: Values up to it go left, shape (N,).
        left: Node on the left, the leaf itself for a leaf, shape (N,).
        right: Node on the right, the leaf itself for a leaf, shape (N,).
        value: What a leaf says, shape (N, K); 0 elsewhere.
        depth: Cuts of the longest way.
    """

    root: Ints
    feature: Ints
    threshold: Floats
    left: Ints
    right: Ints
    value: Floats
    depth: int

    @classmethod
    def grow(cls, rows: Floats, targets: Floats, weights: Floats, *, trees: int, leaf: int, seed: int) -> Trees:
        """Grow them.

        Args:
            rows: Shape (rows, columns), none missing.
            targets: Shape (rows, K).
            weights: What each row counts, shape (rows,).
            trees: How many.
            leaf: Rows of a leaf at least.
            seed: The same seed gives the same trees.
        """
        from sklearn.ensemble import ExtraTreesRegressor

        grown = ExtraTreesRegressor(trees, min_samples_leaf=leaf, max_features=_COLUMNS, random_state=seed, n_jobs=1)
        grown.fit(rows, targets if targets.shape[1] > 1 else targets[:, 0], sample_weight=weights)
        return cls._joined([_tree(one.tree_) for one in grown.estimators_])

    @classmethod
    def _joined(cls, parts: Sequence[Trees]) -> Trees:
        first = np.concatenate([[0], np.cumsum([len(part.feature) for part in parts])[:-1]]).astype(np.int32)
        return cls(
            np.concatenate([part.root + at for part, at in zip(parts, first, strict=True)]),
            np.concatenate([part.feature for part in parts]),
            np.concatenate([part.threshold for part in parts]),
            np.concatenate([part.left + at for part, at in zip(parts, first, strict=True)]),
            np.concatenate([part.right + at for part, at in zip(parts, first, strict=True)]),
            np.concatenate([part.value for part in parts]),
            max(part.depth for part in parts),
        )

    @property
    def outputs(self) -> int:
        """K."""
        return int(self.value.shape[1])

    def mean(self, rows: Floats) -> Floats:
        """Mean over the trees, shape (rows, K).

        Args:
            rows: Shape (rows, columns), none missing.
        """
        found = np.empty((len(rows), self.outputs))
        # Trees are grown on single precision: a value is to fall on the same side of a threshold as it did then.
        single = np.asarray(rows, dtype=np.float32).astype(np.float64)
        for first in range(0, len(rows), _ROWS_AT_ONCE):
            part = single[first : first + _ROWS_AT_ONCE]
            found[first : first + _ROWS_AT_ONCE] = self._mean_of(part)
        return found

    def _mean_of(self, part: Floats) -> Floats:
        node = np.broadcast_to(self.root, (len(part), len(self.root)))
        row = np.arange(len(part))[:, None]
        for _ in range(self.depth):
            goes_left = part[row, np.maximum(self.feature[node], 0)] <= self.threshold[node]
            node = np.where(goes_left, self.left[node], self.right[node])
        total = np.zeros((len(part), self.outputs))
        for tree in range(len(self.root)):
            total += self.value[node[:, tree]]
        return total / len(self.root)

    def to_dict(self) -> dict[str, Any]:
        """As JSON values; inner nodes have no value."""
        leaves = self.feature < 0
        return {
            **{name: getattr(self, name).tolist() for name in ("root", "feature", "left", "right")},
            "threshold": self.threshold.tolist(),
            "leaves": self.value[leaves].ravel().tolist(),
            "outputs": self.outputs,
            "depth": self.depth,
        }

    @classmethod
    def from_dict(cls, given: Mapping[str, Any]) -> Trees:
        """From JSON values.

        Raises:
            LearningError: They are no trees: a part is missing, or a node leads out of them.
        """
        try:
            root, feature, left, right = (
                np.array(given[name], dtype=np.int32) for name in ("root", "feature", "left", "right")
            )
            threshold = np.array(given["threshold"], dtype=np.float64)
            value = np.zeros((len(feature), int(given["outputs"])))
            value[feature < 0] = np.array(given["leaves"], dtype=np.float64).reshape(-1, value.shape[1])
            trees = cls(root, feature, threshold, left, right, value, int(given["depth"]))
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise LearningError(f"the trees of a fade model cannot be read: {error!r}") from error
        ways = np.concatenate([root, left, right])
        if not len(root) or {len(feature), len(threshold), len(left), len(right)} != {len(value)}:
            raise LearningError("the trees of a fade model cannot be read: their parts are of different lengths")
        if ways.min() < 0 or ways.max() >= len(feature):
            raise LearningError("the trees of a fade model cannot be read: a node leads out of them")
        return trees


def _short(values: Floats) -> Floats:
    """Rounded to some significant digits, so that trees are the same before and after they are stored."""
    size = np.floor(np.log10(np.maximum(np.abs(values), 1e-12)))
    step = 10.0 ** (_DIGITS - 1 - size)
    return np.asarray(np.round(values * step) / step)


def _tree(tree: Any) -> Trees:
    """The nodes of one tree of scikit-learn."""
    leaf = tree.children_left < 0
    own = np.arange(tree.node_count, dtype=np.int32)
    value = tree.value[:, :, 0]
    return Trees(
        np.array([0], dtype=np.int32),
        np.where(leaf, -1, tree.feature).astype(np.int32),
        _short(np.where(leaf, 0.0, tree.threshold)),
        np.where(leaf, own, tree.children_left).astype(np.int32),
        np.where(leaf, own, tree.children_right).astype(np.int32),
        _short(np.where(leaf[:, None], value, 0.0)),
        int(tree.max_depth),
    )
