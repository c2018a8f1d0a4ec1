"""Chinese minimal pairs: agreement of classifiers, time words and negation; word order.

Good and bad sentences have the same length; order pairs hold the same characters. Agreement pairs come in twos that
mirror each other, so that no word is more frequent in the good sentences. Classifiers were chosen so that none of the
nouns of one takes another of them.
"""

from corpuskit.tasks.template import mirrored, template

NOUNS_BY_CLASSIFIER = {
    "本": "书 词典 杂志 小说 字典 课本",
    "辆": "汽车 自行车 卡车 出租车 摩托车 公共汽车",
    "座": "山 寺庙 塔 城市 宫殿 大山",
    "条": "河 小路 蛇 鱼 街 大河",
    "位": "老师 医生 客人 作家 律师 记者",
    "棵": "树 松树 杨树 苹果树 柳树 大树",
    "件": "衬衫 毛衣 大衣 外套 礼物 衣服",
    "首": "歌 曲子 民歌 情歌 老歌",
    "匹": "马 白马 黑马 骏马 小马",
    "顶": "帽子 草帽 皇冠 轿子 小帽子",
    "把": "伞 剪刀 勺子 梳子 斧头 雨伞",
    "架": "飞机 客机 直升机 战斗机 滑翔机",
}
NOUNS = tuple((classifier, noun) for classifier, nouns in NOUNS_BY_CLASSIFIER.items() for noun in nouns.split())
"""(the classifier it takes, noun)."""
CLASSIFIER_FRAMES = (
    "那里有一{}。",
    "我看见了两{}。",
    "他们谈到了那{}。",
    "大家都喜欢这{}。",
    "照片上有三{}。",
    "他又梦见了那{}。",
    "我从来没见过这{}。",
    "这是我见过的第一{}。",
)
PEOPLE = ("我", "他", "她", "我们", "他们", "老师", "王先生", "小李")
DAYS = (("昨天", "明天"), ("前天", "后天"), ("去年", "明年"), ("上周", "下周"), ("昨天", "后天"), ("上个月", "下个月"))
"""(past, future), of the same length."""
DESTINATIONS = ("北京", "上海", "学校", "医院", "机场", "图书馆", "公司", "车站")
MODALS = ("会", "应该", "可以", "愿意")
ACTIVITIES = (
    ("唱", "这首歌"),
    ("吃", "这种鱼"),
    ("用", "这台电脑"),
    ("看", "这部电影"),
    ("读", "那本书"),
    ("开", "那辆车"),
    ("听", "这个故事"),
    ("买", "那种茶"),
    ("住", "这家酒店"),
    ("学", "这种语言"),
    ("做", "这道菜"),
    ("喝", "那种酒"),
)
"""(verb, object)."""
RESULTS = (
    ("打开", "门"),
    ("关上", "窗户"),
    ("看完", "书"),
    ("做完", "作业"),
    ("洗干净", "衣服"),
    ("打破", "杯子"),
    ("擦干净", "桌子"),
    ("吃完", "饭"),
    ("用完", "钱"),
    ("打扫干净", "房间"),
    ("写好", "信"),
    ("修好", "车"),
    ("写错", "名字"),
    ("说清楚", "问题"),
    ("关掉", "灯"),
    ("擦掉", "字"),
)
"""(verb with its result, object)."""
QUANTITIES = (
    ("买", "本", "书"),
    ("看", "部", "电影"),
    ("吃", "个", "苹果"),
    ("喝", "杯", "茶"),
    ("写", "封", "信"),
    ("画", "张", "画"),
    ("问", "个", "问题"),
    ("唱", "首", "歌"),
    ("去", "个", "地方"),
    ("认识", "位", "朋友"),
    ("参加", "次", "会议"),
    ("借", "本", "杂志"),
)
"""(verb, classifier, noun)."""
NUMERALS = ("两", "三", "四", "五", "六", "七", "八", "十")
ADVERBS = ("也", "常常", "一直", "曾经", "从来不", "非常", "总是", "确实")
ATTITUDES = (
    ("喜欢", "音乐"),
    ("相信", "这个故事"),
    ("了解", "这个城市"),
    ("支持", "他的决定"),
    ("关心", "孩子"),
    ("想念", "家乡"),
    ("信任", "这位老师"),
    ("反对", "这个计划"),
)
"""(verb, object)."""
THINGS = ("书", "杯子", "手机", "钥匙", "照片", "帽子", "报纸", "电脑")
PLACES = ("桌子", "椅子", "箱子", "柜子", "床", "沙发", "书架", "盒子", "凳子", "窗台", "钢琴")
SIDES = ("上", "下")

Pairs = tuple[tuple[str, str], ...]
Words = tuple[str, str]


@template(CLASSIFIER_FRAMES, NOUNS, NOUNS)
def classifier_noun(frame: str, one: Words, other: Words) -> Pairs:
    """`那里有一本书。` against `那里有一辆书。`; `那里有一辆汽车。` against `那里有一本汽车。`."""
    if one[0] == other[0]:
        return ()
    rows = [[frame.format(classifier + noun) for classifier in (one[0], other[0])] for noun in (one[1], other[1])]
    return mirrored(((rows[0][0], rows[0][1]), (rows[1][0], rows[1][1])))


@template(PEOPLE, DAYS, DESTINATIONS)
def time_aspect(person: str, days: Words, place: str) -> Pairs:
    """`他昨天去了北京。` against `他明天去了北京。`; `他明天会去北京。` against `他昨天会去北京。`."""
    past, future = days
    done, planned = ([f"{person}{day}{verb}{place}。" for day in (past, future)] for verb in ("去了", "会去"))
    return mirrored(((done[0], done[1]), (planned[0], planned[1])))


@template(PEOPLE, ACTIVITIES, MODALS)
def negation_aspect(person: str, activity: Words, modal: str) -> Pairs:
    """`我没唱过这首歌。` against `我不唱过这首歌。`; `我不会唱这首歌。` against `我没会唱这首歌。`."""
    verb, thing = activity
    done, able = ([f"{person}{word}{act}{thing}。" for word in "没不"] for act in (f"{verb}过", f"{modal}{verb}"))
    return mirrored(((done[0], done[1]), (able[0], able[1])))


@template(PEOPLE, RESULTS)
def object_marker(person: str, result: Words) -> Pairs:
    """`他把门打开了。` against `他打开把门了。`: the object of 把 stands before the verb."""
    verb, thing = result
    return ((f"{person}把{thing}{verb}了。", f"{person}{verb}把{thing}了。"),)


@template(PEOPLE, QUANTITIES, NUMERALS)
def aspect_marker(person: str, quantity: tuple[str, str, str], numeral: str) -> Pairs:
    """`我买了三本书。` against `我了买三本书。`: 了 follows the verb."""
    verb, classifier, noun = quantity
    rest = f"{numeral}{classifier}{noun}。"
    return ((f"{person}{verb}了{rest}", f"{person}了{verb}{rest}"),)


@template(PEOPLE, QUANTITIES, NUMERALS)
def numeral_classifier(person: str, quantity: tuple[str, str, str], numeral: str) -> Pairs:
    """`我买了三本书。` against `我买了本三书。`: the numeral stands before the classifier."""
    verb, classifier, noun = quantity
    return ((f"{person}{verb}了{numeral}{classifier}{noun}。", f"{person}{verb}了{classifier}{numeral}{noun}。"),)


@template(PEOPLE, ADVERBS, ATTITUDES)
def adverb(person: str, word: str, attitude: Words) -> Pairs:
    """`我们也喜欢音乐。` against `我们喜欢也音乐。`: adverbs stand before the verb."""
    verb, thing = attitude
    return ((f"{person}{word}{verb}{thing}。", f"{person}{verb}{word}{thing}。"),)


@template(THINGS, PLACES, SIDES)
def localizer(thing: str, place: str, side: str) -> Pairs:
    """`书放在桌子上。` against `书放在上桌子。`: words of place follow their noun."""
    return ((f"{thing}放在{place}{side}。", f"{thing}放在{side}{place}。"),)


AGREEMENT = (classifier_noun, time_aspect, negation_aspect)
ORDER = (object_marker, aspect_marker, numeral_classifier, adverb, localizer)
