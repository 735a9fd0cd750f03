using NUnit.Framework;
using SLoRA.Backends.Cpu;

namespace SLoRA.Core.Tests.Backends.Cpu;

internal sealed unsafe class TranspositionTests
{
    [Test]
    public void Words_of_rows_become_lines_of_a_panel_and_what_no_row_has_stays(
        [Values(1, 3, 4, 7, 15, 16)] int rows, [Values(0, 1, 3, 4, 17, 35)] int words, [Values(0, 2, 5)] int gap)
    {
        const uint untouched = 0xDEAD_BEEF;
        int rowBytes = (words * sizeof(uint)) + gap;
        var source = new byte[(rows * rowBytes) + 1];
        new Random(rows + words).NextBytes(source);
        var panel = new uint[words * 16];
        Array.Fill(panel, untouched);
        fixed (byte* from = source)
        fixed (uint* to = panel)
        {
            // An odd address: checkpoints promise none.
            Transposition.ToPanel(from + 1, rowBytes, rows, words, to);
        }

        for (int word = 0; word < words; word++)
        {
            for (int row = 0; row < 16; row++)
            {
                uint expected = row < rows ? BitConverter.ToUInt32(source, 1 + (row * rowBytes) + (word * sizeof(uint))) : untouched;
                Assert.That(panel[(word * 16) + row], Is.EqualTo(expected), $"word {word} of row {row}");
            }
        }
    }
}
