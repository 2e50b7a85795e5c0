"""The scenes that are supervised and the schemes that are suspected, each with its name in both languages."""

from gnomon.terms import Text

SCENES = {
    "medical-insurance": Text("医疗保障基金监督", "Medical insurance fund"),
    "public-works": Text("公共工程与招标投标监督", "Public works and tendering"),
    "small-projects": Text("小规模项目（限额以下）监督", "Small projects below the limit"),
    "business-environment": Text("营商环境监督", "Business environment"),
    "social-assistance": Text("社会救助（民政）监督", "Social assistance"),
    "education": Text("教育与校园食堂监督", "Education and school canteens"),
    "rural-collective": Text("农村集体“三资”监督", "Rural collective assets"),
    "vehicles-expenses": Text("公车与三公经费监督", "Official vehicles and expenses"),
    "state-assets": Text("国有资产与土地房产监督", "State assets, land and property"),
    "ecology": Text("生态环保督察整改监督", "Ecology and rectification"),
    "urban-management": Text("城市管理（数字城管）监督", "Urban management"),
    "conflict-of-interest": Text("公职人员利益冲突监督", "Conflicts of interest"),
    "re-supervision": Text("再监督（监督的监督）", "Supervision of supervision"),
}
"""Scenes by id, as `WarningModel.scene` names them."""

SCHEMES = {
    "over-prescribing": Text("超量开药", "Over-prescribing"),
    "sham-admission": Text("虚假住院、挂床住院", "Sham admission"),
    "over-billing": Text("过度诊疗与违规收费", "Over-billing"),
    "identity-misuse": Text("冒名就医与身份冒用", "Identity misuse"),
    "drug-diversion": Text("囤药与倒卖药品", "Drug stockpiling and resale"),
    "project-procedure": Text("违反建设程序", "Breach of project procedure"),
    "contract-performance": Text("合同履行异常", "Contract performance"),
    "cost-inflation": Text("造价与结算虚高", "Inflated cost and settlement"),
    "payment-arrears": Text("拖欠账款", "Arrears"),
    "slow-service": Text("推诿拖延", "Delay and shirking"),
    "selective-approval": Text("选择性审批", "Selective approval"),
    "vehicle-misuse": Text("公车私用", "Misuse of official vehicles"),
    "expense-violation": Text("公务支出违规", "Improper official expenses"),
    "random-audit": Text("随机抽查", "Random audit"),
    "benefit-misuse": Text("违规享受待遇", "Benefits taken without right"),
    "asset-loss": Text("公共资产流失", "Loss of public assets"),
    "pollution-violation": Text("环境数据与排放异常", "Pollution and its records"),
    "conflict-of-interest": Text("利益冲突", "Conflict of interest"),
    "supervision-failure": Text("监督履职不力", "Supervision that fails"),
    "record-falsified": Text("数据虚报", "Falsified reports"),
    "institution-composite": Text("机构综合异常", "Institution composite"),
    "practitioner-composite": Text("医师综合异常", "Practitioner composite"),
    "bid-rigging": Text("围标串标", "Bid rigging"),
    "cover-bidding": Text("陪标", "Cover bidding"),
    "threshold-splitting": Text("化整为零规避招标", "Threshold splitting"),
    "price-deviation": Text("中标价格异常", "Price deviation"),
    "supplier-capture": Text("供应商俘获采购人", "Supplier capture"),
    "supplier-composite": Text("供应商综合异常", "Supplier composite"),
    "tender-composite": Text("标段综合异常", "Tender composite"),
    "buyer-composite": Text("采购人综合异常", "Buyer composite"),
}
"""Schemes by id, as `WarningModel.scheme` names them."""
