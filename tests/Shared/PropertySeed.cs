using System.Globalization;
using FsCheck;

namespace SLoRA.Tests;

/// <summary>
/// The seed that every property test draws its cases from: the same in every run, unless the environment variable <c>SLORA_SEED</c> says
/// another.
/// </summary>
internal static class PropertySeed
{
    /// <summary>The seed of this run.</summary>
    public static readonly ulong Number =
        Environment.GetEnvironmentVariable("SLORA_SEED") is { Length: > 0 } given ? ulong.Parse(given, CultureInfo.InvariantCulture) : 1;

    /// <summary>The seed as FsCheck's attribute takes it.</summary>
    public static readonly string Replay = string.Create(CultureInfo.InvariantCulture, $"{new Rnd(Number).Seed},{new Rnd(Number).Gamma}");

    /// <summary>What a failure says about repeating it.</summary>
    public static readonly string Repeats = string.Create(CultureInfo.InvariantCulture, $"SLORA_SEED={Number} repeats it.");

    /// <summary>Checks a property that is made within a test, as <see cref="SeededPropertyAttribute"/> checks one that is a test.</summary>
    public static void Check(Config config, Property property)
    {
        var rnd = new Rnd(Number);
        try
        {
            FsCheck.Check.One(config.WithQuietOnSuccess(true).WithReplay(rnd.Seed, rnd.Gamma), property);
        }
        catch (Exception error)
        {
            throw new NUnit.Framework.AssertionException($"{Repeats}\n{error.Message}", error);
        }
    }
}
