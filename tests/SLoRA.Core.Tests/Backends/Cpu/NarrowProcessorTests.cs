using System.Runtime.Intrinsics;
using NUnit.Framework;

namespace SLoRA.Core.Tests.Backends.Cpu;

/// <summary>The backend in processes that are told to leave instructions of this machine unused.</summary>
[Parallelizable(ParallelScope.Children)]
public sealed class NarrowProcessorTests
{
    private static readonly (string Name, string Value) _no512 = ("DOTNET_EnableAVX512", "0");
    private static readonly (string Name, string Value) _noVnni = ("DOTNET_EnableAVXVNNI", "0");
    private static readonly (string Name, string Value) _noAvx2 = ("DOTNET_EnableAVX2", "0");
    private static readonly (string Name, string Value) _noAvx = ("DOTNET_EnableAVX", "0");
    private static readonly (string Name, string Value) _noVectors = ("DOTNET_EnableHWIntrinsic", "0");

    [SetUp]
    public void RequireAvx2()
    {
        if (!Vector256.IsHardwareAccelerated)
        {
            Assert.Ignore("The processor has no AVX2 that could be left unused.");
        }
    }

    [TestCase("DOTNET_EnableAVX512", "0")]
    [TestCase("DOTNET_EnableAVX2", "0")]
    [TestCase("DOTNET_EnableFMA", "0")]
    [TestCase("DOTNET_EnableAVX", "0")]
    [TestCase("DOTNET_EnableHWIntrinsic", "0")]
    [TestCase("DOTNET_EnableAVXVNNI", "0")]
    public void The_tests_of_the_backend_hold_with_less(string variable, string value) =>
        ChildProcess.Run(NarrowProcessors.Check, (variable, value));

    [Test]
    public void The_tests_of_the_backend_hold_with_AVX2_alone() => ChildProcess.Run(NarrowProcessors.Check, _no512, _noVnni);

    [Test]
    public void Results_have_the_same_bits_at_every_width_with_fused_multiply_add_and_others_at_every_width_without()
    {
        string[] here = Digest();
        string[] no512 = Digest(_no512);
        string[] noAvx2 = Digest(_noAvx2);
        string[] noAvx = Digest(_noAvx);
        string[] noVectors = Digest(_noVectors);
        Assert.Multiple(() =>
        {
            Assert.That(no512[..2], Is.EqualTo(new[] { "256", "True" }));
            Assert.That(noAvx2[..2], Is.EqualTo(new[] { "128", "False" }));
            Assert.That(no512[2], Is.EqualTo(here[2]));
            Assert.That(noAvx2[2], Is.Not.EqualTo(here[2]));
            Assert.That(noAvx[2], Is.EqualTo(noAvx2[2]));
            Assert.That(noVectors[2], Is.EqualTo(noAvx2[2]));
        });
    }

    [Test]
    public void A_backend_without_AVX2_says_what_it_uses_and_what_is_missing()
    {
        string[] lines = ChildProcess.Run(NarrowProcessors.Digest, _noAvx2).Split(Environment.NewLine);
        const string Missing =
            "the processor has AVX2 and FMA, but they are switched off for this process (DOTNET_EnableAVX2, DOTNET_EnableAVX)";
        Assert.That(lines[1], Is.EqualTo("vectors of 128 bits without fused multiply-add: " + Missing));
        Assert.That(lines[2], Is.EqualTo(lines[1]), "what the log says");
        Assert.That(ChildProcess.Run(NarrowProcessors.Digest, _no512)
            .Split(Environment.NewLine)[1..], Is.EqualTo(new[] { "AVX2 and FMA", "", "" }));
    }

    private static string[] Digest(params ReadOnlySpan<(string Name, string Value)> environment)
        => ChildProcess.Run(NarrowProcessors.Digest, environment).Split(Environment.NewLine)[0].Split(' ');
}
