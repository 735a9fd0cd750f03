namespace SLoRA.Tests;

/// <summary>
/// Says in one line whether the tests of category Long are left out: tests/quick.runsettings keeps them out of discovery, so nothing else
/// does.
/// </summary>
public sealed class LongSetTests
{
    [NUnit.Framework.Test]
    public void Long_tests_are_left_out_unless_SLORA_LONG_is_1()
    {
        if (Environment.GetEnvironmentVariable("SLORA_LONG") != "1")
        {
            NUnit.Framework.Assert.Ignore("Tests of category Long are left out; the environment variable SLORA_LONG=1 runs them.");
        }
    }
}
