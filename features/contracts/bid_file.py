"""Contract of `bid_file`: one row per uploaded file."""

from features.contracts.column import Column, Contract
from gnomon.terms import Text

CONTRACT = Contract(
    name="bid_file",
    pack="project",
    title=Text("投标文件元数据", "Bid file"),
    grain="one row per uploaded file",
    standard="OCDS bids/details[]/documents[]",
    event=("created_at",),
    columns=(
        Column("file_id", "str", Text("文件", "file id"), key=True, required=True),
        Column("bid_id", "str", Text("投标", "bid id"), required=True, references="bid"),
        Column(
            "kind",
            "enum",
            Text("类型", "kind"),
            required=True,
            values=(
                "technical",
                "commercial",
                "boq",
            ),
        ),
        Column("sha256", "hash", Text("文件散列", "sha256")),
        Column("author", "str", Text("作者", "author")),
        Column("last_modified_by", "str", Text("最后保存者", "last modified by")),
        Column("created_at", "ts", Text("创建时间", "created at")),
        Column("upload_ip", "str", Text("上传IP", "upload ip")),
        Column("mac", "str", Text("MAC地址", "mac")),
        Column("cpu_id", "str", Text("CPU序列号", "cpu id")),
        Column("disk_id", "str", Text("硬盘序列号", "disk id")),
        Column("price_lock_no", "str", Text("造价软件锁号", "price lock no")),
        Column(
            "text",
            "text",
            Text("正文", "text"),
            note="plain text; or only paragraph hashes where text may not leave the exchange",
        ),
        Column(
            "paragraph_hashes", "list", Text("段落散列", "paragraph hashes"), note="after removing tender-document text"
        ),
    ),
)
