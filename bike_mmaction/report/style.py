"""How the page looks; narrow screens first."""

STYLE = """
:root{color-scheme:light}
*{box-sizing:border-box}
body{margin:0;background:#f6f7f9;color:#1d2733;font:16px/1.5 system-ui,sans-serif}
main{max-width:1080px;margin:0 auto;padding:16px}
h1{font-size:1.5rem;margin:.2em 0 .6em;overflow-wrap:anywhere}
h2{font-size:1.2rem;margin:0 0 .5em}
h3{font-size:1rem;margin:1em 0 .2em;overflow-wrap:anywhere}
section,.head{background:#fff;border:1px solid #e2e6eb;border-radius:8px;
padding:14px;margin:0 0 14px}
p{margin:.3em 0 .6em}
.head{display:flex;flex-wrap:wrap;gap:14px 32px;align-items:flex-end}
.head>div{display:flex;flex-direction:column}
.head b{font-size:1.4rem;line-height:1.2}
.head .big{flex:1 1 260px}
.head .big b{font-size:2.6rem}
.head span,.head small,.file,figcaption{color:#566270;font-size:.85rem}
.bar{display:block;width:100%;min-width:70px;height:10px;margin:4px 0}
.scroll{overflow-x:auto}
table{border-collapse:collapse;font-size:.9rem}
th,td{text-align:left;padding:4px 10px 4px 0;border-bottom:1px solid #edf0f3;
vertical-align:middle}
thead th{color:#566270;font-weight:600;white-space:nowrap}
.classes td:nth-child(2),.classes td:nth-child(5),.classes td:nth-child(6)
{white-space:nowrap}
.classes td:first-child,.classes td:nth-child(7),.labels td:first-child
{min-width:140px}
.labels td{white-space:nowrap}.labels td:first-child{white-space:normal}
.matrix td,.matrix thead th{width:28px;min-width:28px;height:26px;padding:0;
text-align:center;border:1px solid #edf0f3}
.matrix tbody th{position:sticky;left:0;background:#fff;font-weight:400;
min-width:130px;max-width:280px;line-height:1.2}
.matrix tbody th span{color:#566270}
.facts th{font-weight:600;vertical-align:top;white-space:nowrap}
.facts td{overflow-wrap:anywhere}
ol{padding-left:1.3em;margin:0}
ul{margin:.2em 0;padding-left:1.2em}
article{border-top:1px solid #edf0f3}
.file{overflow-wrap:anywhere}
.problem{color:#8a4b00}
.strip{display:grid;grid-template-columns:repeat(auto-fill,minmax(76px,1fr));gap:6px;
margin-bottom:12px}
.strip figure{margin:0;text-align:center}
.strip img{display:block;width:100%;border-radius:4px}
.strip svg{display:block;width:100%;height:36px;background:#f6f7f9}
.legend span{white-space:nowrap;margin-right:12px}
.legend i{display:inline-block;width:12px;height:12px;margin-right:5px;
border-radius:2px;vertical-align:-1px}
.legend .dotted{height:0;width:18px;border-radius:0;border-top:2px dotted #667;
vertical-align:4px}
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(300px,1fr));gap:14px}
.charts figure{margin:0}
.charts svg{width:100%}
.charts text{font-size:12px;fill:#566270}
summary{cursor:pointer}
@media(min-width:760px){.strip{grid-template-columns:repeat(8,1fr)}
.matrix tbody th{min-width:270px}}
@media print{body{background:#fff}section{break-inside:avoid-page}}
"""
