"""Names of the parts of data sets, as people write them."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from typing import Literal

Role = Literal["train", "validation", "test", "evaluation", "unlabeled"]

# Names of parts, without case, accents, digits and the words of `FILLERS`.
_NAMES: dict[Role, str] = {
    "train": "train training trainings trn trainval xtrain entrenamiento entrainement "
    "apprentissage treino treinamento addestramento обучение обучающая "
    "тренировочная 训练 訓練 学習 훈련 학습",
    "validation": "validation valid validate val xval dev development validierung validierungs "
    "validacion validacao validazione валидация валидационная 验证 驗證 検証 검증",
    "test": "test testing tst tests xtest holdout prueba pruebas teste тест тестовая 测试 測試 "
    "テスト 테스트",
    "evaluation": "eval evaluation evaluate",  # validation beside a test part, otherwise test
    "unlabeled": "pred predict prediction predictions inference unlabeled unlabelled submission",
}
_ROLES: dict[str, Role] = {
    unicodedata.normalize("NFKD", name): role
    for role, names in _NAMES.items()
    for name in names.split()
}
FILLERS = re.compile(
    r"(data|dataset|datasets|set|sets|image|images|img|imgs|picture|pictures|pics|photo|photos"
    r"|seg|split|part|folder|files|full|final|raw|cross|labeled|labelled"
    r"|daten|datensatz|bilder|fotos|teil|donnees|datos|dados|imagenes|выборка|данные|集|데이터)"
)
_ENDING = re.compile(rf"{FILLERS.pattern}$")


def roles_of(names: Iterable[str]) -> dict[str, Role]:
    """The roles of those folder names that are names of parts.

    A further word, as in flowers_train, has to be the same in the names of several parts, or the
    other parts have none: a steam_train and a diesel_train are classes.
    """
    found = {name: named for name in names if (named := _role(name))}
    found_roles: dict[str, set[Role]] = defaultdict(set)
    for role, rest in found.values():
        found_roles[rest].add(role)
    return {
        name: role
        for name, (role, rest) in found.items()
        if not rest or len(found_roles[rest] | found_roles[""]) > 1
    }


def _role(name: str) -> tuple[Role, str] | None:
    """The role that a folder name suggests, and the further words in it; None without a role."""
    folded = (unicodedata.normalize("NFKD", spelling.casefold()) for spelling in _spellings(name))
    plain = ("".join(c for c in text if not unicodedata.combining(c)) for text in folded)
    return next(filter(None, map(_role_of_words, plain)), None)


def _spellings(name: str) -> tuple[str, str]:
    """The name as it is (TEST, tEST), and with blanks between its words (TrainImages)."""
    return name, re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)


def _role_of_words(plain: str) -> tuple[Role, str] | None:
    words = re.findall(r"[^\W\d_]+", re.sub(r"hold[\W_]+out", "holdout", plain))
    roles: set[Role] = set()
    rest = []
    for word in words:
        role = _ROLES.get(word) or _ROLES.get(_ENDING.sub("", word))
        if role:
            roles.add(role)
        elif not FILLERS.fullmatch(word):
            rest.append(word)
    if roles == {"train", "validation"}:  # train_val: to be split
        roles = {"train"}
    return (roles.pop(), " ".join(rest)) if len(roles) == 1 else None
