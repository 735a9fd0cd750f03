using NUnit.Framework;
using SLoRA.Backends.Gpu;
using SLoRA.Formats;

namespace SLoRA.Core.Tests.Formats;

/// <summary>A type that something was not written for is never taken for another.</summary>
internal sealed unsafe class TensorTypesTests
{
    [Test]
    public void Every_type_has_its_size_and_what_is_no_type_has_none()
    {
        int[] bits = [.. Enum.GetValues<TensorType>().Select(type => type.ElementBits())];

        Assert.That(bits, Is.All.AnyOf(4, 6, 8, 16, 32, 64));
        Assert.That(() => ((TensorType)99).ElementBits(), Throws.TypeOf<ArgumentOutOfRangeException>());
    }

    [Test]
    public void A_kernel_for_16_bit_types_is_given_for_these_and_no_others()
    {
        var kernel = new TypedKernel<Func<string>, Func<string>>(() => () => "wide", () => () => "half", () => () => "brain");

        Assert.That((kernel.Narrow(TensorType.F16)(), kernel.Narrow(TensorType.BF16)()), Is.EqualTo(("half", "brain")));
        Assert.That(() => kernel.Narrow(TensorType.I8), Throws.TypeOf<ArgumentOutOfRangeException>().With.Message.Contains("I8"));
    }

    [Test]
    public void Elements_of_other_types_are_not_read_as_brain_floats()
    {
        Assert.That(static () => Elements.Read(TensorType.U16, null, 0), Throws.TypeOf<ArgumentOutOfRangeException>());
    }
}
