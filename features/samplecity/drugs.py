"""The city's drug list: 120 drugs with strength, WHO defined daily dose, label maximum and price."""

from __future__ import annotations

import numpy as np
import pandas as pd

from features.samplecity.plan import City

# name | ATC | unit | strength (mg or IU) | DDD | label maximum a day (in the strength's unit) | CNY a unit | class
_LIST = """
奥美拉唑肠溶胶囊|A02BC01|粒|20|20|40|0.9|A
泮托拉唑肠溶片|A02BC02|片|40|40|80|1.6|B
雷贝拉唑钠肠溶片|A02BC04|片|20|20|40|2.4|B
法莫替丁片|A02BA03|片|20|40|40|0.2|A
铝碳酸镁咀嚼片|A02AD04|片|500|3000|6000|0.7|B
硫糖铝混悬凝胶|A02BX02|袋|1000|4000|4000|2.1|B
枸橼酸铋钾颗粒|A02BX05|袋|110|440|440|0.8|A
多潘立酮片|A03FA03|片|10|30|30|0.6|A
莫沙必利片|A03FA09|片|5|15|15|0.8|B
蒙脱石散|A07BC05|袋|3000|9000|9000|0.7|A
双歧杆菌三联活菌胶囊|A07FA02|粒|210|1260|2520|0.9|B
小檗碱片|A07XA01|片|100|600|900|0.1|A
口服补液盐散|A07CA02|袋|5125|10250|20500|0.5|A
乳果糖口服溶液|A06AD11|袋|10000|10000|30000|2.8|B
二甲双胍缓释片|A10BA02|片|500|2000|2000|0.3|A
格列美脲片|A10BB12|片|2|2|6|0.4|A
格列齐特缓释片|A10BB09|片|30|60|120|0.5|A
阿卡波糖片|A10BF01|片|50|300|600|0.2|A
西格列汀片|A10BH01|片|100|100|100|3.9|B
达格列净片|A10BK01|片|10|10|10|3.5|B
恩格列净片|A10BK03|片|10|17.5|25|2.9|B
甘精胰岛素注射液|A10AE04|支|300|40|120|69.0|B
门冬胰岛素注射液|A10AB05|支|300|40|120|41.0|B
司美格鲁肽注射液|A10BJ06|支|1.34|0.11|0.14|480.0|B
维生素B1片|A11DA01|片|10|50|100|0.1|A
骨化三醇软胶囊|A11CC04|粒|0.25|1|2|1.5|B
碳酸钙D3片|A12AX01|片|600|1200|1500|0.5|B
甲钴胺片|B03BA05|片|0.5|1.5|1.5|0.4|B
琥珀酸亚铁片|B03AA09|片|100|200|400|0.4|A
叶酸片|B03BB01|片|5|10|15|0.1|A
阿司匹林肠溶片|B01AC06|片|100|100|300|0.3|A
氯吡格雷片|B01AC04|片|75|75|75|1.8|A
替格瑞洛片|B01AC24|片|90|180|180|1.2|B
华法林钠片|B01AA03|片|2.5|7.5|10|0.4|A
利伐沙班片|B01AF01|片|20|20|20|4.2|B
人凝血因子Ⅷ|B02BD02|支|250|500|4000|390.0|B
人凝血酶原复合物|B02BD01|支|300|600|3000|420.0|B
地高辛片|C01AA05|片|0.25|0.25|0.5|0.3|A
单硝酸异山梨酯缓释片|C01DA14|片|40|40|60|0.7|A
曲美他嗪缓释片|C01EB15|片|35|70|70|1.1|B
氢氯噻嗪片|C03AA03|片|25|25|50|0.1|A
螺内酯片|C03DA01|片|20|75|100|0.2|A
呋塞米片|C03CA01|片|20|40|160|0.1|A
美托洛尔缓释片|C07AB02|片|47.5|150|190|0.9|A
比索洛尔片|C07AB07|片|5|10|10|0.5|A
氨氯地平片|C08CA01|片|5|5|10|0.2|A
硝苯地平控释片|C08CA05|片|30|30|60|1.3|A
非洛地平缓释片|C08CA02|片|5|5|10|0.8|B
依那普利片|C09AA02|片|10|10|40|0.3|A
缬沙坦胶囊|C09CA03|粒|80|80|320|0.4|A
厄贝沙坦片|C09CA04|片|150|150|300|0.3|A
替米沙坦片|C09CA07|片|40|40|80|0.3|B
沙库巴曲缬沙坦钠片|C09DX04|片|100|400|400|3.4|B
阿托伐他汀钙片|C10AA05|片|20|20|80|0.4|A
瑞舒伐他汀钙片|C10AA07|片|10|10|20|0.4|B
依折麦布片|C10AX09|片|10|10|10|1.9|B
非诺贝特胶囊|C10AB05|粒|200|200|200|1.2|B
糠酸莫米松乳膏|D07AC13|支|10000|1000|2000|15.0|B
丁酸氢化可的松乳膏|D07AB02|支|10000|1000|2000|11.0|B
酮康唑乳膏|D01AC08|支|10000|1000|2000|6.5|A
莫匹罗星软膏|D06AX09|支|5000|500|1500|14.0|B
炉甘石洗剂|D02AB01|瓶|100|10|30|5.0|A
硝呋太尔制霉素阴道软胶囊|G01AX05|粒|500|500|1000|6.2|B
甲硝唑栓|G01AF01|枚|500|500|1000|0.8|A
坦索罗辛缓释胶囊|G04CA02|粒|0.2|0.4|0.4|1.6|A
非那雄胺片|G04CB01|片|5|5|5|1.0|B
左甲状腺素钠片|H03AA01|片|0.05|0.15|0.3|0.4|A
甲巯咪唑片|H03BB02|片|10|10|40|0.4|A
泼尼松片|H02AB07|片|5|10|60|0.1|A
地塞米松片|H02AB02|片|0.75|1.5|9|0.1|A
阿莫西林胶囊|J01CA04|粒|500|1500|4000|0.3|A
阿莫西林克拉维酸钾片|J01CR02|片|375|1500|2250|1.4|B
头孢呋辛酯片|J01DC02|片|250|500|1000|0.6|A
头孢克肟胶囊|J01DD08|粒|100|400|400|1.2|B
头孢地尼胶囊|J01DD15|粒|100|600|600|2.3|B
注射用头孢曲松钠|J01DD04|支|1000|2000|4000|2.0|A
阿奇霉素片|J01FA10|片|250|300|500|0.9|A
克拉霉素片|J01FA09|片|250|500|1000|0.8|B
左氧氟沙星片|J01MA12|片|500|500|500|0.7|A
莫西沙星片|J01MA14|片|400|400|400|2.9|B
奥司他韦胶囊|J05AH02|粒|75|150|150|2.9|B
恩替卡韦片|J05AF10|片|0.5|0.5|1|0.3|A
阿昔洛韦片|J05AB01|片|200|4000|4000|0.2|A
卡培他滨片|L01BC06|片|500|3600|5000|2.6|A
吉非替尼片|L01EB01|片|250|250|250|25.0|B
奥希替尼片|L01EB04|片|80|80|80|184.0|B
来曲唑片|L02BG04|片|2.5|2.5|2.5|4.8|B
他莫昔芬片|L02BA01|片|10|20|40|0.7|A
比卡鲁胺片|L02BB03|片|50|50|150|9.8|B
贝伐珠单抗注射液|L01FG01|支|100|25|60|1100.0|B
曲妥珠单抗注射液|L01FD01|支|440|20|30|4900.0|B
甲氨蝶呤片|L04AX03|片|2.5|2.5|30|0.4|A
布洛芬缓释胶囊|M01AE01|粒|300|1200|1200|0.5|A
双氯芬酸钠缓释片|M01AB05|片|75|100|150|0.6|A
塞来昔布胶囊|M01AH01|粒|200|200|400|0.9|B
氨基葡萄糖胶囊|M01AX05|粒|240|1500|1500|0.7|B
乙哌立松片|M03BX09|片|50|150|150|0.8|B
别嘌醇片|M04AA01|片|100|400|600|0.3|A
非布司他片|M04AA03|片|40|80|80|0.9|B
阿仑膦酸钠片|M05BA04|片|70|10|10|11.0|B
普瑞巴林胶囊|N03AX16|粒|75|300|600|1.0|B
加巴喷丁胶囊|N03AX12|粒|300|1800|3600|0.7|B
左乙拉西坦片|N03AX14|片|500|1500|3000|1.1|B
丙戊酸钠缓释片|N03AG01|片|500|1500|2500|1.4|A
曲马多缓释片|N02AX02|片|100|300|400|1.0|A
对乙酰氨基酚片|N02BE01|片|500|3000|2000|0.1|A
奥氮平片|N05AH03|片|10|10|20|1.0|A
喹硫平片|N05AH04|片|200|400|750|1.1|A
利培酮片|N05AX08|片|2|5|8|0.6|A
阿立哌唑片|N05AX12|片|10|15|30|1.5|B
艾司唑仑片|N05CD04|片|1|3|4|0.1|A
佐匹克隆片|N05CF01|片|7.5|7.5|7.5|1.0|A
舍曲林片|N06AB06|片|50|50|200|0.8|A
艾司西酞普兰片|N06AB10|片|10|10|20|1.1|A
多奈哌齐片|N06DA02|片|5|7.5|10|1.9|B
倍他司汀片|N07CA01|片|6|24|48|0.4|A
沙丁胺醇气雾剂|R03AC02|支|20|0.8|1.6|17.0|A
布地奈德福莫特罗粉吸入剂|R03AK07|支|19.2|0.64|1.28|126.0|B
孟鲁司特钠片|R03DC03|片|10|10|10|1.0|A
氨溴索口服溶液|R05CB06|瓶|600|120|180|9.5|A
"""
_CONTROLLED = ("N05C", "N02AX02")
_RESTRICTED = ("L01", "B02BD", "A10BJ")


def drug_list() -> pd.DataFrame:
    """All drugs as `catalog_item` rows, with `price` beside the contract's columns."""
    rows = [line.split("|") for line in _LIST.strip().splitlines()]
    names = ["name", "class_code", "base_unit", "strength", "ddd", "max_daily_dose", "price", "nrdl_class"]
    drugs = pd.DataFrame(rows, columns=names).astype(
        dict.fromkeys(("strength", "ddd", "max_daily_dose", "price"), "float64")
    )
    atc = drugs["class_code"]
    drugs.insert(0, "item_code", "X" + atc + [f"{number:04d}" for number in range(1, len(drugs) + 1)])
    drugs["item_kind"] = "drug"
    drugs["max_days_per_rx"] = np.where(atc.str.startswith(("N05", "N02AX02")), 14, 84)
    drugs["is_controlled"] = atc.str.startswith(_CONTROLLED)
    drugs["is_restricted"] = atc.str.startswith(_RESTRICTED)
    drugs["price_cap"] = (drugs["price"] * 1.15).round(2)
    return drugs


_SERVICES = (
    ("S110200001", "普通门诊诊查费", "次", 10.0),
    ("S110900001", "普通床位费", "日", 45.0),
    ("S120100003", "Ⅱ级护理", "日", 26.0),
    ("S210200001", "计算机体层(CT)平扫", "次", 220.0),
    ("S220302001", "彩色多普勒超声检查", "次", 120.0),
    ("S250101015", "血细胞分析", "次", 20.0),
    ("S250300000", "生化全套检测", "次", 110.0),
    ("S330000000", "手术治疗费", "次", 2600.0),
    ("S340100000", "康复治疗费", "次", 55.0),
    ("S430000000", "针灸推拿治疗", "次", 48.0),
)


def service_list() -> pd.DataFrame:
    """Charged services as `catalog_item` rows, with `price`."""
    services = pd.DataFrame(_SERVICES, columns=["item_code", "name", "base_unit", "price"])
    return services.assign(item_kind="service", price_cap=services["price"], nrdl_class="A", is_restricted=False)


def add_catalogue(city: City) -> pd.DataFrame:
    """Write `catalog_item` and return the drugs, numbered as everything else refers to them."""
    drugs = drug_list()
    city.tables["catalog_item"] = pd.concat([drugs, service_list()], ignore_index=True).drop(columns="price")
    return drugs


def drugs_of(drugs: pd.DataFrame, prefixes: tuple[str, ...]) -> list[int]:
    """Numbers of the drugs whose ATC code begins with one of the prefixes."""
    return [int(number) for number in np.flatnonzero(drugs["class_code"].str.startswith(prefixes))]
