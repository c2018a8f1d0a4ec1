"""The phrases of menus, notices and buttons, as a table.

A phrase is compared by its `unicode` words in lower case, digits as `#`, and `©` as a word: "Copyright © 2019," is
`copyright © #`. The weight is how much a phrase says by itself. Collected by hand: from what extractors leave of real
news pages and blogs, and from common page templates in these languages.

Prose begins with the same words as notices do ("We use cookies to hold the session id."). So what may go on as a
sentence about something else stands here with a limit of 0: it is a line by itself, or a second phrase confirms it.
"""

from typing import Literal, NamedTuple, get_args

Kind = Literal["navigation", "cookies", "sharing", "subscribing", "comments", "copyright"]
KINDS: tuple[Kind, ...] = get_args(Kind)
Role = Literal["covers", "begins", "within", "ends", "confirms"]

ALONE, HALF, PART, FILLER = 6, 3, 2, 0
"""Weights: a line that consists of phrases is boilerplate from ALONE on: one such phrase, two halves, three parts."""


class Phrases(NamedTuple):
    """Phrases with the same meaning for a line."""

    kind: Kind
    language: str
    role: Role
    """The line consists of such phrases; begins with one; has one anywhere; ends with one and without a sentence mark;
    begins with one and has this one too."""
    value: int
    """`covers`: the weight. Else: the most words that the line may have; `begins` and `within`: half of it where the
    line ends with a sentence mark, and the phrase by itself always."""
    phrases: str
    """Separated by `|`."""

    def each(self) -> list[str]:
        """Return the phrases."""
        return [" ".join(phrase.split()) for phrase in self.phrases.split("|")]


TABLE: dict[tuple[Kind, str, Role, int], str] = {
    # Menus, paging and pointers to other pages
    ("navigation", "en", "covers", ALONE): """
        read more | read full article | read the full article | read full story | read the full story |
        keep reading | continue reading | click here to read more | learn more | find out more | show more |
        load more | view more | view all | see all | see more | back to top | back to home | back to homepage |
        back to gallery | return to top | skip to content | skip to main content | skip to navigation |
        jump to navigation | main menu | toggle navigation | toggle menu | site map | sitemap | next page |
        previous page | next article | previous article | next post | previous post | older posts | newer posts |
        related articles | related posts | related stories | related links | related news | related topics |
        recommended for you | you may also like | you might also like | you may also be interested in | more from |
        more on this topic | more on this story | most read | most popular | most viewed | popular posts |
        recent posts | recent articles | latest news | trending now | all categories | filed under | posted in |
        advertisement | advertisements | sponsored content | story continues below advertisement |
        article continues below advertisement | about us | contact us | view full site | print this page |
        print this article | permalink
    """,
    ("navigation", "en", "covers", PART): """
        home | homepage | about | contact | blog | news | faq | help | search | menu | next | previous | prev |
        first | last | archive | archives | categories | tags | products | services | gallery | shop | store |
        careers | press | events | portfolio | testimonials | support | forum | print
    """,
    ("navigation", "zh", "covers", ALONE): """
        阅读更多 | 阅读全文 | 查看全文 | 查看更多 | 点击查看 | 点击查看更多 | 更多内容 | 加载更多 | 展开全文 |
        返回顶部 | 返回首页 | 回到顶部 | 网站地图 | 网站首页 | 上一页 | 下一页 | 上一篇 | 下一篇 | 上一章 | 下一章 |
        返回目录 | 相关阅读 | 相关新闻 | 相关文章 | 相关推荐 | 相关链接 | 延伸阅读 | 推荐阅读 | 热门文章 | 热门推荐 |
        最新文章 | 猜你喜欢 | 关于我们 | 联系我们 | 设为首页 | 加入收藏 | 友情链接 | 跳转到主要内容 | 跳至内容 |
        繁體中文 | 閱讀更多 | 閱讀全文 | 查看更多內容 | 回到首頁 | 返回首頁 | 返回頂部 | 相關文章 | 相關新聞 |
        延伸閱讀 | 推薦閱讀 | 關於我們 | 聯絡我們 | 上一頁 | 下一頁
    """,
    ("navigation", "zh", "covers", PART): """
        首页 | 首頁 | 新闻 | 论坛 | 搜索 | 产品 | 服务 | 帮助 | 打印 | 末页 | 尾页
    """,
    ("navigation", "zh", "begins", 40): """
        当前位置首页 | 您的位置首页 | 您现在的位置首页 | 你的位置首页 | 您当前的位置首页 | 所在位置首页 |
        目前位置首頁
    """,
    ("navigation", "en", "begins", 40): "you are here home",
    ("navigation", "de", "covers", ALONE): """
        weiterlesen | mehr lesen | mehr erfahren | mehr dazu | mehr zum thema | zum seitenanfang | nach oben |
        zurück zur startseite | zum inhalt springen | nächste seite | vorherige seite |
        das könnte sie auch interessieren | über uns | anzeige
    """,
    ("navigation", "fr", "covers", ALONE): """
        lire la suite | lire plus | en savoir plus | voir plus | voir tout | lire aussi | retour en haut |
        retour à l'accueil | aller au contenu | page suivante | page précédente | articles similaires |
        à lire aussi | qui sommes nous | plan du site | publicité
    """,
    ("navigation", "es", "covers", ALONE): """
        leer más | seguir leyendo | saber más | ver más | ver todo | volver arriba | ir al contenido |
        saltar al contenido | página siguiente | página anterior | artículos relacionados | noticias relacionadas |
        te puede interesar | también te puede interesar | sobre nosotros | quiénes somos | mapa del sitio |
        publicidad
    """,
    # Consent
    ("cookies", "en", "covers", ALONE): """
        accept cookies | accept all cookies | accept all | reject all | reject all cookies | allow all cookies |
        allow cookies | cookie settings | cookies settings | cookie preferences | cookie policy | cookie notice |
        manage cookies | privacy policy | terms of use | terms of service | terms and conditions |
        privacy and cookies | privacy notice | do not sell my personal information
    """,
    ("cookies", "en", "begins", 60): "we and our partners use cookies | we value your privacy we",
    ("cookies", "en", "begins", 0): """
        we use cookies | this website uses cookies | this site uses cookies | our website uses cookies |
        our site uses cookies | cookies help us | by using this site you agree | by using our site you agree |
        by using this website you agree | by continuing to use this site you | by continuing to use this website you |
        by continuing to browse | by clicking accept | by clicking i agree | by submitting this form you agree |
        by commenting you agree
    """,
    ("cookies", "en", "confirms", 60): """
        you agree | you are agreeing | you accept | you consent | your consent | signifies consent | opt out |
        your experience | user experience | browsing experience | best experience | your browsing | our use of cookies |
        the use of cookies | privacy policy | cookie policy | cookies policy | cookie notice | cookie settings |
        cookie preferences | accept all | privacy statement
    """,
    ("cookies", "zh", "begins", 0): """
        本网站使用 cookie | 本网站使用 cookies | 我们使用 cookie | 我们使用 cookies | 本站使用 cookie |
        本站使用 cookies | 本網站使用 cookie | 本網站使用 cookies | 我們使用 cookie | 我們使用 cookies |
        继续使用本网站即表示 | 继续浏览本网站即表示 | 繼續使用本網站即表示
    """,
    ("cookies", "zh", "confirms", 60): """
        您同意 | 您的同意 | 即表示 | 继续浏览 | 继续使用 | 继续访问 | 为您提供 | 您的体验 | 隐私政策 | 隐私声明 |
        繼續瀏覽 | 繼續使用 | 為您提供 | 您的體驗 | 隱私政策 | 隱私權政策
    """,
    ("cookies", "zh", "covers", ALONE): """
        隐私政策 | 隐私声明 | 服务条款 | 使用条款 | 接受所有 cookie | 隱私政策 | 服務條款
    """,
    ("cookies", "de", "begins", 0): """
        wir verwenden cookies | wir nutzen cookies | diese website verwendet cookies |
        diese webseite verwendet cookies | diese seite verwendet cookies | diese website benutzt cookies |
        unsere website verwendet cookies
    """,
    ("cookies", "de", "confirms", 60): """
        ihnen | einverstanden | stimmen sie | sie stimmen | ihre zustimmung | datenschutzerklärung | nutzererlebnis |
        cookie einstellungen
    """,
    ("cookies", "de", "covers", ALONE): "datenschutzerklärung | alle akzeptieren | alle cookies akzeptieren",
    ("cookies", "fr", "begins", 0): """
        nous utilisons des cookies | ce site utilise des cookies | notre site utilise des cookies |
        en poursuivant votre navigation
    """,
    ("cookies", "fr", "confirms", 60): """
        vous acceptez | vous garantir | vous offrir | vous proposer | votre expérience | votre navigation |
        votre consentement | politique de confidentialité | meilleure expérience
    """,
    ("cookies", "fr", "covers", ALONE): "politique de confidentialité | mentions légales | tout accepter",
    ("cookies", "es", "begins", 0): """
        utilizamos cookies | usamos cookies | este sitio web utiliza cookies | esta web utiliza cookies |
        este sitio utiliza cookies | este sitio usa cookies
    """,
    ("cookies", "es", "confirms", 60): """
        acepta su uso | acepta el uso | aceptas el uso | aceptas su uso | su experiencia | tu experiencia |
        mejor experiencia | experiencia de usuario | política de cookies | política de privacidad | su consentimiento |
        tu consentimiento
    """,
    ("cookies", "es", "covers", ALONE): """
        política de privacidad | política de cookies | aviso legal | aceptar todo
    """,
    # Share bars
    ("sharing", "en", "covers", ALONE): """
        share this | share this article | share this story | share this post | share this page | share this video |
        share on facebook | share on twitter | share on x | share on linkedin | share on whatsapp |
        share on pinterest | share via email | share by email | tweet this | pin it | email this |
        email this article | copy link | follow us | follow us on facebook | follow us on twitter |
        follow us on instagram | like us on facebook | click to share on facebook | click to share on twitter |
        opens in new window | save for later | share | tweet
    """,
    ("sharing", "en", "covers", HALF): "share on | share to | share with | follow | follow on",
    ("sharing", "en", "covers", PART): """
        facebook | twitter | linkedin | instagram | pinterest | reddit | whatsapp | telegram | tumblr | youtube |
        email | e mail | mail | google+ | google plus | flipboard | messenger | sms | rss | weibo | wechat
    """,
    ("sharing", "en", "covers", FILLER): "and | or | via | on | by | # | © #",
    ("sharing", "zh", "covers", ALONE): """
        分享到 | 分享本文 | 分享至 | 分享到微信 | 分享到微博 | 分享到朋友圈 | 扫码分享 | 一键分享 | 关注我们 |
        扫一扫关注 | 微信扫一扫 | 扫描二维码 | 点赞 | 赞赏 | 打赏 | 收藏本文 | 分享文章 | 複製連結 | 分享文章到
    """,
    ("sharing", "zh", "covers", PART): """
        微信 | 微博 | 新浪微博 | 朋友圈 | 空间 | 腾讯微博 | 人人网 | 豆瓣 | 分享 | 收藏 | 复制链接
    """,
    ("sharing", "de", "covers", ALONE): """
        artikel teilen | seite teilen | auf facebook teilen | auf twitter teilen
    """,
    ("sharing", "fr", "covers", ALONE): """
        partager cet article | partager sur facebook | partager sur twitter | suivez nous
    """,
    ("sharing", "es", "covers", ALONE): """
        compartir en facebook | compartir en twitter | comparte este artículo | compartir este artículo | síguenos
    """,
    # Subscriptions and logins
    ("subscribing", "en", "covers", ALONE): """
        subscribe | subscribe now | subscribe today | subscribe to our newsletter | sign up for our newsletter |
        sign up for our newsletters | join our newsletter | join our mailing list | newsletter signup |
        newsletter sign up | sign up | sign up now | sign up here | sign up today | sign in | sign in or register |
        sign in to continue | log in | log in or register | login | log out | log in to comment | register now |
        create an account | create account | forgot password | forgot your password | my account | already a member |
        already a subscriber | become a member | enter your email address | your email address | download our app |
        get the app | download the app | start your free trial | unsubscribe | click here to get the fox news app |
        please log in to comment | please log in to post a comment | please log in to continue |
        please log in using one of these methods to post your comment | please log in or register |
        please sign in to comment | please sign in to continue | you must be logged in to comment |
        you must be logged in to post a comment | you must be logged in to leave a comment |
        you must be logged in to reply to this topic | please enable javascript in your browser |
        please enable javascript to continue | please enable javascript to view this page |
        please enable javascript to view the comments powered by disqus | javascript is disabled in your browser
    """,
    ("subscribing", "en", "begins", 25): """
        subscribe to our newsletter | sign up to our newsletter | sign up to receive our | click here to subscribe |
        subscribe to our | get our newsletter | enter your email address to subscribe | to view this content please |
        get the latest updates right in your inbox
    """,
    ("subscribing", "en", "begins", 0): """
        sign up for our | sign up to our | subscribe to receive | please log in | please sign in |
        you must be logged in | please enable javascript | javascript is disabled | javascript must be enabled
    """,
    ("subscribing", "en", "confirms", 25): """
        newsletter | newsletters | our mailing list | our email list | new posts by email | your inbox
    """,
    ("subscribing", "zh", "covers", ALONE): """
        登录 | 登录注册 | 注册登录 | 请登录 | 立即登录 | 立即注册 | 免费注册 | 忘记密码 | 用户登录 | 会员登录 |
        请先登录 | 订阅我们 | 立即订阅 | 登入 | 立即訂閱 | 訂閱電子報 | 会员注册 | 下载客户端 | 立即下载 | 打开微信 |
        打开 app
    """,
    ("subscribing", "zh", "begins", 40): """
        扫描二维码关注 | 欢迎关注微信公众号 | 欢迎关注我们的
    """,
    ("subscribing", "zh", "begins", 0): "扫描下方二维码 | 关注微信公众号 | 关注我们的微信",
    ("subscribing", "de", "covers", ALONE): "newsletter abonnieren | jetzt abonnieren | anmelden | registrieren",
    ("subscribing", "fr", "covers", ALONE): """
        s'inscrire | s'abonner | abonnez vous | se connecter | mot de passe oublié
    """,
    ("subscribing", "es", "covers", ALONE): """
        suscríbete | iniciar sesión | regístrate | suscríbete a nuestro boletín
    """,
    # Comment forms
    ("comments", "en", "covers", ALONE): """
        # comments | # comment | no comments | no comments yet | leave a comment | leave a reply | post a comment |
        add a comment | add comment | comments are closed | comments off | all comments | read all comments |
        view comments | view all comments | show comments | show new comments # | load comments | loading comments |
        join the conversation | join the discussion | want to join the discussion | feel free to contribute |
        cancel reply | be the first to comment | required fields are marked | report abuse | report comment |
        write a comment | top rated comments | comments | comments # | reply
    """,
    ("comments", "en", "begins", 40): "your email address will not be published",
    ("comments", "zh", "covers", ALONE): """
        发表评论 | 发表回复 | 我要评论 | 查看评论 | 网友评论 | 最新评论 | 热门评论 | 暂无评论 | # 条评论 |
        评论已关闭 | 取消回复 | 发表評論 | 發表評論 | 發表迴響
    """,
    ("comments", "de", "covers", ALONE): """
        kommentar schreiben | kommentar verfassen | keine kommentare | # kommentare
    """,
    ("comments", "fr", "covers", ALONE): "laisser un commentaire | ajouter un commentaire | # commentaires",
    ("comments", "es", "covers", ALONE): "deja un comentario | dejar un comentario | # comentarios",
    # Footers
    ("copyright", "en", "covers", ALONE): """
        powered by wordpress | proudly powered by wordpress | powered by wordpress com | powered by wordpress com vip
    """,
    ("copyright", "en", "begins", 50): "copyright ©",
    ("copyright", "en", "begins", 25): """
        © # | copyright # # | copyright # by | copyright c # | c # all rights reserved
    """,
    ("copyright", "en", "begins", 0): "copyright # | this material may not be published",
    ("copyright", "en", "within", 25): "all rights reserved",
    ("copyright", "en", "confirms", 25): "rights reserved | inc | ltd | llc | gmbh",
    ("copyright", "zh", "covers", ALONE): """
        版权所有 | 版權所有 | 未经授权不得转载 | 未经许可不得转载 | 翻版必究 | 侵权必究 | 违者必究 | 盗版必究
    """,
    ("copyright", "zh", "begins", 40): "版权所有 # | 版權所有 # | 京 icp 备 #",
    ("copyright", "zh", "within", 40): "版权所有 © | 版權所有 © | © 版权所有 | © 版權所有",
    ("copyright", "zh", "ends", 40): """
        版权所有 | 版權所有 | 未经授权不得转载 | 未经许可不得转载 | icp 备 # 号 | icp 备 # 号 # | 公网安备 # 号
    """,
    ("copyright", "de", "within", 25): "alle rechte vorbehalten",
    ("copyright", "fr", "within", 25): "tous droits réservés",
    ("copyright", "es", "within", 25): "todos los derechos reservados",
}
"""(kind, language, role, value) -> phrases, separated by `|`."""

PHRASES = tuple(Phrases(*key, phrases) for key, phrases in TABLE.items())

TRAIL_HEADS = ("home", "homepage", "首页", "首頁", "网站首页", "startseite", "accueil", "inicio")
"""What a breadcrumb trail (`Home > World > Asia`) begins with."""
BAR_TRAIL_HEADS = ("home blog", "home news", "home about", "home articles", "home forum", "home forums", "首页新闻")
"""What a trail of bars (`Home / Blog / A title`) begins with: `Home | Away | Score` is the head of a table."""
TRAIL_WORDS = 30
"""The most words of a trail."""
