using NUnit.Framework.Interfaces;
using NUnit.Framework.Internal;

namespace SLoRA.Tests;

/// <summary>
/// A property test that repeats: its cases come from <see cref="PropertySeed"/>, and a failure says how to see the same cases again.
/// </summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class SeededPropertyAttribute : FsCheck.NUnit.PropertyAttribute, NUnit.Framework.ITestAction
{
    public SeededPropertyAttribute()
    {
        Replay = PropertySeed.Replay;
        QuietOnSuccess = true;
    }

    public NUnit.Framework.ActionTargets Targets => NUnit.Framework.ActionTargets.Test;

    public void BeforeTest(ITest test)
    {
    }

    public void AfterTest(ITest test)
    {
        TestResult result = TestExecutionContext.CurrentContext.CurrentResult;
        if (result.ResultState.Status == TestStatus.Failed)
        {
            result.SetResult(result.ResultState, PropertySeed.Repeats + '\n' + result.Message, result.StackTrace);
        }
    }
}
