"""The study: how networks that generalise differ from networks that memorise, trained and measured again.

After Linse, Alshazly, Martinetz: A walk in the black-box: 3D visualization of large neural networks in virtual reality
(Neural Computing and Applications 34, 2022). Their training settings are not published; which ones are used here, a
`Recipe` says, and lies in every file.
"""
