using System.Reflection;
using FsCheck;
using FsCheck.Fluent;
using NUnit.Framework.Interfaces;
using NUnit.Framework.Internal;
using Assert = NUnit.Framework.Assert;
using Is = NUnit.Framework.Is;
using TestResult = NUnit.Framework.Internal.TestResult;

namespace SLoRA.Tests;

/// <summary>That every property test can be repeated.</summary>
public sealed class SeededPropertyTests
{
    [NUnit.Framework.Test]
    public void Every_property_test_of_this_project_draws_from_the_seed()
    {
        MethodInfo[] properties = [.. typeof(SeededPropertyTests).Assembly.GetTypes()
            .SelectMany(type => type.GetMethods(
                BindingFlags.Instance | BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly))
            .Where(method => method.IsDefined(typeof(FsCheck.NUnit.PropertyAttribute)))];

        Assert.That(properties, Is.Not.Empty);
        Assert.That(
            properties.Where(method => method.GetCustomAttribute<FsCheck.NUnit.PropertyAttribute>() is not SeededPropertyAttribute
            {
                Replay: var replay,
            } || replay != PropertySeed.Replay)
            .Select(method => $"{method.DeclaringType!.Name}.{method.Name}"),
            Is.Empty);
    }

    [NUnit.Framework.Test]
    public void A_property_that_fails_says_its_seed_and_fails_at_the_same_case_again()
    {
        var first = new List<int>();
        var second = new List<int>();

        string message = Failure(first);

        Assert.That(message, NUnit.Framework.Does.StartWith(PropertySeed.Repeats).And.Contain(PropertySeed.Replay));
        Assert.That(Failure(second), Is.EqualTo(message));
        Assert.That(second, Is.EqualTo(first).And.Count.GreaterThan(1));
    }

    [NUnit.Framework.Test]
    public void A_property_test_that_fails_says_its_seed_before_all_else()
    {
        using var other = new TestExecutionContext.IsolatedContext();
        TestResult result = TestExecutionContext.CurrentContext.CurrentResult;
        var property = new SeededPropertyAttribute();

        property.AfterTest(result.Test);
        string untouched = result.Message;
        result.SetResult(ResultState.Failure, "This is wrong.");
        property.AfterTest(result.Test);

        Assert.That(untouched, Is.Empty);
        Assert.That(result.Message, Is.EqualTo(PropertySeed.Repeats + "\nThis is wrong."));
        Assert.That(result.ResultState, Is.EqualTo(ResultState.Failure));
    }

    private static string Failure(List<int> drawn)
    {
        try
        {
            PropertySeed.Check(Config.QuickThrowOnFailure, Prop.ForAll(ArbMap.Default.ArbFor<int>(), number =>
            {
                drawn.Add(number);
                return number < 17;
            }));
        }
        catch (NUnit.Framework.AssertionException failure)
        {
            return failure.Message;
        }

        throw new InvalidOperationException("A hundred numbers, and none of them is 17 or more.");
    }
}
